locals {
  a = cidrhost("10.0.0.0/8", 99999999999)
  b = cidrhost("10.0.0.0", 1)
  c = cidrsubnet("10.0.0.0/8", 30, 1)
  d = cidrsubnet("10.0.0.0/8", 2, 9)
  e = cidrnetmask("2001:db8::/32")
  f = cidrsubnets("10.0.0.0/30", 1, 1, 1)
  g = cidrcontains("10.0.0.0/8", "ten")
}
