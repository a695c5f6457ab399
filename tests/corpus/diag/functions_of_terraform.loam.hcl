locals {
  a = list("a", "b")
  b = map("a", "b")
  c = path
  d = terraform.workspace
}
