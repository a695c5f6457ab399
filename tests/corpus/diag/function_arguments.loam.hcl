locals {
  a = upper()
  b = upper("a", "b")
  c = upper([1])
  d = join(",", [[1], [2]])
  e = substr("x", "y", 1)
  f = max()
  g = file(null)
  h = upper("x"...)
}
