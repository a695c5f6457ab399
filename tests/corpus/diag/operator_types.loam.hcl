locals {
  a = "10" + [1]
  b = { a = 1 } - 1
  c = "a" < "b"
  d = !5
  e = true && 1
  f = -"ten"
  h = null < 1
}
