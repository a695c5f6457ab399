locals {
  a = file("tests/corpus/conformance/missing.txt")
  b = file("/etc/passwd")
  c = templatefile("tests/corpus/conformance/tpl/missing.tftpl", {})
  d = templatefile("tests/corpus/conformance/tpl/bad.tftpl", {})
  e = templatefile("tests/corpus/conformance/tpl/recursive.tftpl", {})
  f = file("tests/corpus/conformance/files/binary.bin")
}
