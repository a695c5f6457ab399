locals {
  a = try({}.x, [][0])
}
