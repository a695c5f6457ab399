# before
resource "loam_data" "a" {
}
# now
resource "loam_data" "b" {
}

resource "loam_data" "c" {
}

moved {
  from = loam_data.a
  to   = loam_data.b
}

moved {
  from = loam_data.a
  to   = loam_data.c
}
