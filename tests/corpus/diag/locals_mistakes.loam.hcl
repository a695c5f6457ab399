locals {
  1st = 1
  a   = local
  b   = local.b.c
  c   = self.x
}

local {
  d = 1
}

locals "named" {}
