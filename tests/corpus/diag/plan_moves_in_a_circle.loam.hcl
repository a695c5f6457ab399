resource "loam_data" "a" {
}

moved {
  from = loam_data.b
  to   = loam_data.c
}

moved {
  from = loam_data.c
  to   = loam_data.b
}
