module "gone" {
  source = "./gone"
}

module "bare" {
  source = "site"
}

module "registry" {
  source  = "hashicorp/consul/aws"
  version = "1.0"
}

module "git" {
  source = "git::"
}

module "empty" {
  source = "./empty"
}
# file: empty/readme.txt
nothing here
