variable "password" {
  default   = "hunter2"
  sensitive = true
}
locals {
  a = var.password + 1
  b = { x = 1 }[var.password]
  c = tonumber(var.password)
  d = jsondecode(var.password)
  e = { for x in [1, 2] : var.password => x }
}
resource "machine" "a" {
  command = ["run"]
  memory  = var.password
}
