variable "list" {
  default = [{ name = "a" }]
}

locals {
  a = var.list[*
  b = var.list.*.*
}
