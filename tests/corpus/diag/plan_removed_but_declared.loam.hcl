# before
resource "loam_data" "a" {
}
# now
resource "loam_data" "a" {
}

removed {
  from = loam_data.a
}
