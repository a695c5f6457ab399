provider "kube" {
  alias = "ci"
}

module "site" {
  source  = "./site"
  regoin  = "eu"
  size    = 3
  network = "n"
  providers = {
    kube.second = kube.ci
    kube.fourth = kube.ci
  }
}

module "sites" {
  source   = "./site"
  for_each = toset(["a"])
  region   = "eu"
}

module "copies" {
  source = "./empty"
  count  = 2
  name   = "x"
}

output "urls" {
  value = [module.site.urll, module.sites.url, module.sites["a"].url, module.copies.url, module.copies[*].url]
}

# module: site sites
variable "region" {
  type        = string
  description = "Where the site is."
}

variable "owner" {
  type = object({ name = string })
}

variable "network" {
  default    = null
  deprecated = "Use `region`."
}

provider "kube" {
  alias = "third"
}

resource "machine" "a" {
  provider = kube.second
}

resource "machine" "b" {
  provider = kube.third["eu"]
}

import {
  to = machine.a
  id = "a"
}

output "url" {
  value      = "x"
  deprecated = "Use `address`."
}

# module: copies
