provider "local" {
  alias    = "each"
  for_each = toset(["a", "b"])
}

resource "bucket" "missing" {
  name     = "a"
  provider = local.each["c"]
}

resource "bucket" "number" {
  name     = "b"
  provider = local.each[0]
}
