resource "machine" "a" {
  command = ["run"]

  lifecycle {
    ignore_changes       = [5, var.x]
    replace_triggered_by = [machine.gone, var.x, "machine.b"]
  }
}

resource "machine" "b" {
  command = ["run"]
}

resource "machine" "c" {
  count   = 2
  command = ["run"]

  lifecycle {
    replace_triggered_by = [machine.b[0], machine.d.command, machine.d, machine.d[count.index].command]
  }
}

resource "machine" "d" {
  count   = 2
  command = ["run"]
}

variable "x" {
  default = 1
}
