variable "size" {
  default = 3

  validation {
    condition     = var.size
    error_message = "wrong"
  }

  validation {
    condition     = null == var.size ? null : null
    error_message = "wrong"
  }

  validation {
    condition     = var.size > 5
    error_message = [var.size]
  }

  validation {
    condition     = var.size.x > 5
    error_message = "wrong"
  }
}
