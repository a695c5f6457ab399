locals {
  a = abs("x")
  b = ceil(null)
  d = parseint("zz", 10)
  e = parseint("1", 99)
  f = pow("two", 2)
  g = max("a", 1)
  h = sum([])
  i = sum(["x"])
  k = min([1, 2])
}
