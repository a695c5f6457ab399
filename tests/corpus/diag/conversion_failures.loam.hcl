locals {
  a = tobool("yes")
  b = tonumber("ten")
  c = tolist({ a = 1 })
  d = tomap(["a"])
  e = toset("a")
  f = tostring([1])
  g = tolist(["a", ["b"]])
  h = tonumber(true)
}
