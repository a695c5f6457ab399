resource "loam_data" "size" {
  input = { count = 3 }
}

resource "loam_data" "many" {
  count = loam_data.size.id == "x" ? 1 : 2
  input = count.index
}
