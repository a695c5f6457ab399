provider "local" {
  driectory = "x"
}

provider "local" {
  alias = "other"
  nothing {}
}
