locals {
  a = { for i in [1, 1] : "k${i}" => i }
}
