moved {
  from = loam_data.a
  to   = loam_data.a
}

moved {
  from = loam_data.b
  to   = bucket.b
}

moved {
  from = loam_data.c
  to   = loam_data.gone
}

resource "bucket" "b" {
  name = "b"
}
