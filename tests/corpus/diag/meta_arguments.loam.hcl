resource "machine" "a" {
  command    = []
  count      = 1
  for_each   = {}
  depends_on = bucket.x
  provider   = kube["ci"]
  on_destroy = "keep"
  lifecycle  = {}
}

resource "machine" "b" {
  command    = []
  depends_on = [bucket.x.url, "bucket.x", local.y]
  provider   = kube.cl
  count {}
  provisioner "local-exec" {}
  timeouts {
    creation = "5m"
  }
}

resource "bucket" "x" {
  name = "x"
}

provider "kube" {
  alias = "ci"
}

locals {
  y = 1
}
