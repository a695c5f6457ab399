locals {
  "a" = 1
}

resource machine b {
  command = []
}
