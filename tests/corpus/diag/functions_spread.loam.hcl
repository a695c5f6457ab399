locals {
  a = upper([1, 2]...)
  b = max("x"...)
  c = join(null...)
  d = max([]...)
}
