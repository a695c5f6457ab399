locals {
  a = 1 + + 
  b = 1 === 1
  c = true and false
  d = not true
  e = 2 ** 3
  f = 1 != = 2
}
