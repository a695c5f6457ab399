resource "loam_data" "a" {
  input = 1
}
# file: main_override.loam.hcl
resource "loam_data" "a" {
  inptu = 2
}

resource "loam_data" "b" {
  input = 3
}
