locals {
  a = { (null) = 1 }
  b = { ([1]) = 1 }
  c = { local.x = 1 }
  x = "k"
}
