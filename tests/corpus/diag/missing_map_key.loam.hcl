variable "sizes" {
  type    = map(number)
  default = { small = 1, medium = 2, large = 4 }
}

locals {
  a = var.sizes["smal"]
  b = var.sizes.larg
  c = lookup(var.sizes, "huge")
  d = { "a b" = 1 }["ab"]
}
