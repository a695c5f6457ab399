resource "machine" "a" {
  command = []
  lifecycle {
    prevent_destory       = true
    create_before_destroy = var.x
    ignore_changes        = command
    replace_triggered_by  = [local.y]
    postcondition {
      condition = true
      message   = "x"
    }
    on_failure {}
  }
}

variable "x" {
  default = true
}

locals {
  y = 1
}
