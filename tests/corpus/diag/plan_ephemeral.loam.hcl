variable "token" {
  default   = "hunter2"
  ephemeral = true
}

resource "loam_data" "a" {
  input = var.token
}

resource "loam_data" "b" {
  count = length(var.token)
}

output "token" {
  value = var.token
}

module "site" {
  source = "./site"
  token  = var.token
}
# file: site/main.loam.hcl
variable "token" {}
