locals {
  a = upper "x"
  b = upper("x"
}

output "c" {
  value = join(", ", [1] ... )
}
