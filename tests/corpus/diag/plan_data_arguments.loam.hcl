data "file" "a" {
  path       = "x.txt"
  on_destroy = "retain"
}

# file: x.txt
x
