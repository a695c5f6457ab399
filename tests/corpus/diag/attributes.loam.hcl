variable "server" {
  type = object({
    name = string
    port = number
  })
  default = { name = "web", port = 80 }
}
variable "servers" {
  type    = list(object({ name = string }))
  default = [{ name = "a" }]
}
locals {
  a = var.server.prot
  b = var.server.address
  c = var.servers.name
  d = var.server.name.first
  e = null.x
  f = {}.a
  g = var.servers[*].nmae
}
