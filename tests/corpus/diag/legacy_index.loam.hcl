locals {
  matrix = [[1, 2], [3, 4]]
  a      = local.matrix.1.0
}
