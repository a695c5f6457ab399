data "file" "a" {
  path = "gone.txt"
}

data "directory" "b" {
  path = "x.txt"
}

data "process" "c" {
  name = "x"
}

data "http" "d" {
  url = "not a url"
}
# file: x.txt
x
