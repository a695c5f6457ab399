# before
resource "loam_data" "a" {
}

resource "loam_data" "b" {
}
# now
resource "loam_data" "b" {
}

moved {
  from = loam_data.a
  to   = loam_data.b
}
