locals {
  sum = "a" + "b"
}
