variable "a" {
  type    = local.kind
  default = var.b
}

variable "b" {
  default     = "x"
  description = "See ${var.a}."
  sensitive   = local.secret
}

locals {
  kind   = "string"
  secret = true
}
