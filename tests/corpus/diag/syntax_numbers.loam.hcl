locals {
  a = 1.
  b = 0x1f
  c = 1_000
  d = 1e
}
