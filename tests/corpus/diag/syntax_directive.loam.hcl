locals {
  a = "%{ endif }"
  b = 1
}
