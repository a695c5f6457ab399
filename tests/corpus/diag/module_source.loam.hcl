module "variable" {
  source = var.where
}

module "resource" {
  source = "./${machine.a.pid}"
}

module "list" {
  source = ["./a"]
}

module "null" {
  source = null
}

variable "where" {}

resource "machine" "a" {
  command = ["run"]
}
