locals {
  a = 1
}

/* The rest is left out.
locals {
  b = 2
}
