variable "users" {
  default = [
    { name = "ada", group = "ops" },
    { name = "eve", group = "ops" },
  ]
}

locals {
  by_group = { for user in var.users : user.group => user.name }
}
