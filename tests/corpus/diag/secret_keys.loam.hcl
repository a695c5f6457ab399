variable "password" {
  default   = "hunter2"
  sensitive = true
}

locals {
  a = { (var.password) = 1 }.x
  b = [1][var.password]
  c = regex("[0-9]{9}", var.password)
  d = "${var.password}" + 1
  e = cidrhost(var.password, 1)
  f = lookup({ a = 1 }, var.password)
}
