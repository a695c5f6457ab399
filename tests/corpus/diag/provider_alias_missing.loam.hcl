provider "kube" {
  alias = "staging"
}

resource "machine" "a" {
  provider = kube.stagin
  command  = ["run"]
}

resource "machine" "b" {
  provider = kube
  command  = ["run"]
}

resource "machine" "c" {
  provider = provider.kube.staging
  command  = ["run"]
}
