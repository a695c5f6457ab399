module "site" {
  source = "./site"
  count  = 2
  size   = "large"
}

output "url" {
  value = module.site[2].url
}

output "all" {
  value = module.site.url
}
# file: site/main.loam.hcl
variable "size" {
  type = number
}

resource "loam_data" "a" {
  input = var.siez
}

output "url" {
  value = loam_data.a.id
}
