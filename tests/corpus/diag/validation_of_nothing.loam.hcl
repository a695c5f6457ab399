variable "size" {
  default = 1
  validation {
    condition     = local.limit > 0
    error_message = "The limit ${var.size} must be positive."
  }
  validation {
    condition     = var.size < local.limt
    error_message = "Too large."
  }
  validation {
    condition     = var.size < local.limit
    error_message = "At most ${local.limit}."
  }
}

locals {
  limit = 1
}
