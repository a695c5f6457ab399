provider "local" {
  alias    = "each"
  for_each = toset(["a", "b"])
}

resource "bucket" "a" {
  name     = "a"
  provider = local.each
}
