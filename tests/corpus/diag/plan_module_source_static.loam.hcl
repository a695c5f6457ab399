variable "where" {
  default = "./a"
}

resource "loam_data" "a" {
}

module "resource" {
  source = "./${loam_data.a.id}"
}

module "null" {
  source = var.where == "./a" ? null : "./a"
}

module "number" {
  source = length(var.where)
}
