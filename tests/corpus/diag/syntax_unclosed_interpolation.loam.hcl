locals {
  a = "x ${upper("y") z"
}
