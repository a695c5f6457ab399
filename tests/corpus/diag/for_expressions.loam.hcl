locals {
  a = [for x in null : x]
  b = [for x in "text" : x]
  c = [for x in [1, 2, 3] : x.name]
  d = { for x in [1] : null => x }
  e = [for x in [1, 2] : x if "sometimes"]
}
