locals {
  a = 1e99999999
  b = pow(10, 1e9)
  c = range(1e12)
}

resource "machine" "a" {
  count   = 1.5
  command = ["run"]
  nodes   = 1e400
}
