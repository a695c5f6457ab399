provider "kube" {
  alias = "ci"
}

module "site" {
  source    = "./site"
  providers = { kub = kube.ci, kube = kube.cd }
}

# module: site
resource "machine" "a" {
  provider = kube
  command  = ["run"]
}
