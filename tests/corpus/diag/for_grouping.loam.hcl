locals {
  a = [for x in ["a"] : x...]
  b = { for x in ["a"] : x => upper(x)... if x }
}
