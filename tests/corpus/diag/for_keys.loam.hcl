locals {
  a = { for x in ["a"] : [x] => 1 }
  b = { for x in ["a"] : x }
  c = [for x in ["a"] : x => 1]
  d = [for k, v, w in {} : k]
}
