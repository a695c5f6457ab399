variable "nothing" {
  type    = string
  default = null
}
locals {
  a = "x${var.nothing}y"
  b = "x${[1, 2]}y"
  c = "%{ for x in 5 }${x}%{ endfor }"
  d = "%{ if 5 }x%{ endif }"
}
