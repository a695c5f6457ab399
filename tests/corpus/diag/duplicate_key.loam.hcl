locals {
  a = { x = 1, x = 2 }
  b = { for i in [1, 1] : "k${i}" => i }
}
