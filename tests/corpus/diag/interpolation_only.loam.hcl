resource "machine" "a" {
  command = "${["run"]}"
  env     = "${local.env}"
  count   = "${length(local.none)}"
}

locals {
  env = { A = [] }
}
