locals {
  a = issensitive()
  b = nonsensitive(1, 2)
  c = can()
  d = try()
  e = type(1)
  f = ephemeralasnull()
  g = defaults({}, {})
}
