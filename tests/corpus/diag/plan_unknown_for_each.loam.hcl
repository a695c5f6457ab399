resource "loam_data" "a" {
}

locals {
  names = [loam_data.a.id]
}

resource "loam_data" "b" {
  for_each = toset(local.names)
}

resource "loam_data" "c" {
  for_each = { for name in local.names : name => name }
}
