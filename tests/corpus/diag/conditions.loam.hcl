locals {
  a = null ? 1 : 2
  b = "yes" ? 1 : 2
  c = true ? {} : []
  d = true ? "text" : [1]
}
