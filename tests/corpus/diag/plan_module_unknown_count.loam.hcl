resource "loam_data" "a" {
}

module "site" {
  source   = "./site"
  for_each = toset([loam_data.a.id])
}
# file: site/main.loam.hcl
output "x" {
  value = 1
}
