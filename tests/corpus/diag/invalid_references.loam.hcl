locals {
  a = var
  b = data.file
  c = path.here
  d = each.val
  e = count.indx
  f = terraform.workspace
  g = local
}
