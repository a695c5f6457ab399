variable "size" {
  default = 5
}
variable "nothing" {
  type    = string
  default = null
}
locals {
  a = var.size / (var.size - 5)
  b = "text" + 1
  c = -true
  d = !"maybe"
  e = [] < 1
  f = var.nothing + 1
  g = true && "perhaps"
}
