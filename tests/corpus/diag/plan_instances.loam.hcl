resource "loam_data" "many" {
  for_each = toset(["a", "west-1"])
}

resource "loam_data" "numbered" {
  count = 2
}

locals {
  key = "west1"
}

output "unknown" {
  value = loam_data.many["c"].id
}

output "near" {
  value = loam_data.many[local.key].id
}

output "beyond" {
  value = loam_data.numbered[2].id
}

output "text" {
  value = loam_data.numbered["a"].id
}
