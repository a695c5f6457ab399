resource "loam_data" "list" {
  count = ["a", "b"]
}

resource "loam_data" "map" {
  count = { a = 1 }
}
