locals {
  a = base64decode("not base64!")
  b = csvdecode("a,b\n1")
  c = jsondecode("{\"a\": }")
  d = yamldecode("a: [")
  e = base64gunzip("aGVsbG8=")
  f = urldecode("%zz")
  g = textencodebase64("x", "UTF-99")
  h = textdecodebase64("////", "UTF-8")
}
