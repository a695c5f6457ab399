variable "nodes" {
  default = 0
}

locals {
  share = 100 / var.nodes
  rest  = 100 % var.nodes
  floor = floor(1 / 0)
}
