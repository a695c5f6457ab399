resource "machine" {
  command = []
}

variable {
  default = 1
}

locals "x" {
  a = 1
}

resource "machine" "a b" {
  command = []
}
