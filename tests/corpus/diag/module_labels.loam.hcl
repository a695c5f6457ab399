module {
  source = "./site"
}

module "a" "b" {
  source = "./site"
}

module "1st" {
  source = "./site"
}

module "site" {
  source = "./site"
}

module "site" {
  source = "./other"
}
