variable "servers" {
  default = [{ name = "a", ports = [80] }]
}

locals {
  a = var.servers[*].prots
  b = var.servers.*.name.first
  c = var.servers[*].ports[1]
  d = var.servers[*][0]
}
