variable "size" {
  default = 1
}

resource "loam_data" "a" {
  input = var.size

  lifecycle {
    precondition {
      condition     = var.size > 2
      error_message = "The size must be more than 2, not ${var.size}."
    }
  }
}

output "size" {
  value = var.size

  precondition {
    condition     = var.size == 3
    error_message = "The size must be 3."
  }
}
