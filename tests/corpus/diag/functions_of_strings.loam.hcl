locals {
  a = format("%d apples", "many")
  b = format("%z", 1)
  c = format("%s")
  d = formatlist("%s", [1, 2], [1, 2, 3])
  e = regex("(", "x")
  f = regex("[0-9]+", "none")
  g = replace("a", "/(/", "b")
  h = substr("abc", -9, "x")
  i = split(",", ["a"])
  j = title(null)
  k = indent("x", "y")
  l = strcontains("abc")
}
