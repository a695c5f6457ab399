variable "token" {
  ephemeral = "yes"
}

output "token" {
  value     = "x"
  ephemeral = true
}

output "old" {
  value      = "x"
  deprecated = true
}
