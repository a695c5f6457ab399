module "site" {
  source = "./a"
}

module "site" {
  source = "./b"
}

data "http" "home" {
  command = ["a"]
}

data "http" "home" {
  command = ["b"]
}

provider "kube" {
  alias = "ci"
}

provider "kube" {
  alias = "ci"
}

check "up" {
  assert {
    condition     = true
    error_message = "x"
  }
}

check "up" {
  assert {
    condition     = true
    error_message = "x"
  }
}
