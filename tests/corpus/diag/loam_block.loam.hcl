loam {
  required_version = 1
  required_providers {}
  backend "local" "x" {}
  backend "local" {}
}

loam "x" {}
