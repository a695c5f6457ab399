variable "token" {
  default   = "hunter2"
  sensitive = true
}

output "token" {
  value = var.token
}

output "text" {
  value = "Bearer ${var.token}"
}
