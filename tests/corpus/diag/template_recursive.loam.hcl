locals {
  page = templatefile("tests/corpus/conformance/tpl/recursive.tftpl", {})
}
