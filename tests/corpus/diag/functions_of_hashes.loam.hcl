locals {
  b = rsadecrypt("x", "y")
  c = uuidv5("nowhere", "x")
  d = filesha256("tests/corpus/conformance/none.txt")
  e = sha256(["a"])
}
