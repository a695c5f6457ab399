variable "regions" {
  default = ["eu"]
}

provider "kube" {
  for_each = toset(var.regions)
}

provider "s3" {
  alias    = "each"
  for_each = toset(var.regions)
  region   = each.key
}

provider "s3" {
  alias  = "one"
  count  = 2
  region = each.key
}

resource "bucket" "a" {
  name     = "a"
  provider = s3.each
}

resource "bucket" "b" {
  name     = "b"
  provider = s3.one["eu"]
}

resource "bucket" "c" {
  name     = "c"
  provider = s3["eu"]
}

resource "bucket" "d" {
  name     = "d"
  provider = s3.each[each.key]
}

resource "bucket" "e" {
  name     = "e"
  provider = "s3.one.two"
}
