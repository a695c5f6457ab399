module "site" {
  source = "./site"
  regoin = "eu"
}

output "url" {
  value = module.site.ulr
}

output "inner" {
  value = module.site.machine.a.pid
}

output "variable" {
  value = module.site.region
}

# module: site
variable "region" {
  type = string
}

resource "machine" "a" {
  command = ["run"]
}

output "url" {
  value = "x"
}
