variable "token" {
  default   = "hunter2"
  sensitive = true
}

resource "loam_data" "secret" {
  for_each = toset([var.token])
}

resource "loam_data" "secret_key" {
  for_each = { (var.token) = 1 }
}

resource "loam_data" "list" {
  for_each = ["a", "b"]
}

resource "loam_data" "numbers" {
  for_each = toset([1, 2])
}

resource "loam_data" "null" {
  for_each = null
}

resource "loam_data" "nulls" {
  for_each = toset(["a", null])
}

resource "loam_data" "text" {
  for_each = "a"
}
