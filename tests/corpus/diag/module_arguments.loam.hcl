module "none" {
  region = "eu"
}

module "typo" {
  sorce = "./site"
}

module "old" {
  source    = "./site"
  version   = "~> 1.2"
  provider  = kube
  lifecycle = {}
}

module "number" {
  source = 12
}

module "empty" {
  source = ""
}

module "blocks" {
  source = "./site"
  lifecycle {
    prevent_destroy = true
  }
  region {
    name = "eu"
  }
  for_each {}
}

module "two" {
  source   = "./site"
  count    = 2
  for_each = toset(["a"])
}
