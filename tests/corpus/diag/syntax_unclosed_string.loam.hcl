locals {
  a = "no end
  b = "fine"
}

output "b" {
  value = local.b
}
