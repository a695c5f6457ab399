locals {
  a = machine.x.pid
  b = "${local.c}"
  c = local.b
  d = local.d
}

resource "machine" "x" {
  command    = ["run"]
  depends_on = [bucket.y]
}

resource "bucket" "y" {
  name = local.a
}
