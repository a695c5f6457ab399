provider "aws" {
  region = "eu"
}

provider "lcoal" {
  alias = "a"
}
