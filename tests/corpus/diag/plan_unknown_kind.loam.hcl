resource "buckte" "a" {
  name = "a"
}

resource "aws_instance" "b" {
  ami = "x"
}

resource "bucket" "c" {
  provider = loam
  name     = "c"
}
