provider "kube" {
  alias = "ci"
  alias = "cd"
}

provider "kube" {
  alias = local.name
}

provider "kube" {
  version = "~> 2"
  alias   = ""
}

provider {
  alias = "x"
}

locals {
  name = "x"
}
