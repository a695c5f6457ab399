variable "size" {
  type    = number
  default = null
}

locals {
  double = var.size * 2
  large  = var.size > 10
  either = null || true
}
