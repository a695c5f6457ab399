resource "machine" "a" {
  command = ["run"]
}

resource "machine" "b" {
  count   = 2
  command = [machine.a[0].pid, machine.b.pid]
}

locals {
  x = machine.a.pdi
  y = machine.b[0]
  z = machine
}
