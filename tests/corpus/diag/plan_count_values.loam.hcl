variable "token" {
  default   = 2
  sensitive = true
}

resource "loam_data" "negative" {
  count = -1
}

resource "loam_data" "half" {
  count = 1.5
}

resource "loam_data" "text" {
  count = "two"
}

resource "loam_data" "null" {
  count = null
}

resource "loam_data" "secret" {
  count = var.token
}

resource "loam_data" "huge" {
  count = 1e12
}
