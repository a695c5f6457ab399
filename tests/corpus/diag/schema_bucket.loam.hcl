resource "bucket" "a" {
  nmae  = "x"
  quota = "10 apples"
  url   = "file:///x"
}
