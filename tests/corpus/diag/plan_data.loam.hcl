data "htpp" "a" {
  url = "x"
}

data "file" "b" {
  pth = "x"
}

data "bucket" "c" {
  name = "x"
}
