resource "machine" "a" {
  command = ["run"]

  lifecycle {
    ignore_changes       = [5, var.x]
    replace_triggered_by = [machine.gone, var.x, "machine.b"]
  }
}

variable "x" {
  default = 1
}
