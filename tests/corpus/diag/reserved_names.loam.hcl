locals {
  count = 1
  a     = var.count
}

module "count" {
  source = "./site"
}

resource "machine" "each" {
  command = [each.value]
}

provider "local" {
  alias = "each.key"
}
