# file: a.loam.hcl
locals {
  a = file("gone.txt")
  b = file("folder")
  c = file("../../../../etc/passwd")
}

output "a" {
  value = local.a
}
# file: folder/x.txt
x
