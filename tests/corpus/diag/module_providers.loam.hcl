provider "kube" {
  alias = "ci"
}

module "list" {
  source    = "./site"
  providers = [kube.ci]
}

module "twice" {
  source = "./site"
  providers = {
    kube       = kube.ci
    kube.extra = kube.ci
    "kube"     = kube.ci
  }
}

module "wrong" {
  source = "./site"
  providers = {
    kube     = kube.ic
    kube.a.b = kube.ci
    s3       = upper("s3")
  }
}
