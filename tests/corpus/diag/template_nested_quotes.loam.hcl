locals {
  name = "web"
  a    = "x-${upper("${local.nmae}")}"
  b    = "${local.name"
}
