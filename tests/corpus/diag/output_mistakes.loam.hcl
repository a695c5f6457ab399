output "a" {}

output "b" {
  value = machine.a.pidd
}

output "c" {
  value       = 1
  description = local.text
  depends_on  = machine.a
}

output "d" {
  value = 1
  validation {
    condition     = true
    error_message = "x"
  }
}

output "e" "f" {
  value = 1
}

locals {
  text = "x"
}

resource "machine" "a" {
  command = ["run"]
}
