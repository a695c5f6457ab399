locals {
  a = templatestring("hello $${name}", {})
  b = templatefile("tests/corpus/conformance/tpl/missing.tftpl", { name = "x" })
  c = templatestring("hello", ["x"])
}
