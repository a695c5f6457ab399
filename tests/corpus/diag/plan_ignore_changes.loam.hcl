resource "file" "a" {
  path    = "a.txt"
  content = "a"

  lifecycle {
    ignore_changes = [contnet, mode]
  }
}

data "file" "b" {
  path = "x.txt"
}
# file: x.txt
x
