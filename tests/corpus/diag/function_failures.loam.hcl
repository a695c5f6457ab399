locals {
  empty = []
  a     = element(local.empty, 0)
  b     = index(["a"], "b")
  c     = lookup({ x = 1 }, "y")
  d     = format("%d", "x")
  e     = format("%s %s", "only one")
  f     = jsondecode("{")
  g     = one([1, 2])
  h     = range(1, 5000)
  i     = tonumber("12px")
  j     = base64decode("!!")
  k     = zipmap(["a"], [])
}
