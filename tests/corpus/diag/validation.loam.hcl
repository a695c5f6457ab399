variable "size" {
  type    = number
  default = 0
  validation {
    condition     = var.size > 0
    error_message = "The size must be positive, but it is ${var.size}."
  }
}
variable "password" {
  default   = "hunter2"
  sensitive = true
  validation {
    condition     = length(var.password) > 10
    error_message = "Too short: ${var.password}."
  }
}
