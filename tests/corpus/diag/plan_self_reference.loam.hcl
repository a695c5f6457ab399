resource "loam_data" "a" {
  input = loam_data.a.id
}

resource "loam_data" "b" {
  input      = 1
  depends_on = [loam_data.b]
}
