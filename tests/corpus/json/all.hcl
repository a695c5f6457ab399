loam {
  required_version = ">= 0.1"
  backend "local" {
    path = "state"
  }
}

provider "kube" {
  alias   = "ci"
  context = "${var.region}"
}

variable "region" {
  type        = string
  default     = "eu"
  description = "Where."
  sensitive   = false

  validation {
    condition     = "${contains(["eu", "us"], var.region)}"
    error_message = "Not ${var.region}."
  }
}

variable "limits" {
  type = object({ cpu = optional(number, 1), names = list(string) })
  default = {
    "names" = ["a", "b"]
  }
}

locals {
  number = 1.5
  text   = "a${local.number}b%{ if true }c%{ endif }"
  escape = "$${x} \"q\""
  list   = [1, true, null, "${local.number}"]
  object = { "k${local.number}" = { "x" = -1 } }
}

resource "bucket" "archives" {
  count      = "${1 + 1}"
  provider   = kube.ci
  depends_on = [data.file.seed, module.site]
  name       = "archives-${count.index}"
  lifecycle {
    prevent_destroy      = true
    ignore_changes       = [tags, env["TOKEN"]]
    replace_triggered_by = [bucket.other.name]
    precondition {
      condition     = "${var.region != ""}"
      error_message = "No region."
    }
  }
  timeouts {
    create = "1h"
  }
  dynamic "rule" {
    for_each = ["a"]
    iterator = item
    content {
      name = "${item.value}"
    }
  }
}

resource "bucket" "other" {
  lifecycle {
    ignore_changes = all
  }
}

data "file" "seed" {
  path = "seed.json"
}

module "site" {
  source    = "./site"
  providers = { kube = kube.ci }
  size      = 3
}

moved {
  from = bucket.old["a"]
  to   = bucket.archives[0]
}

moved {
  from = module.a
  to   = module.site
}

removed {
  from = bucket.gone
  lifecycle {
    destroy = false
  }
}

import {
  to = bucket.other
  id = "other"
}

check "health" {
  assert {
    condition     = true
    error_message = "Not healthy."
  }
}

output "url" {
  value      = "${bucket.other.url}"
  depends_on = [bucket.archives]
}
