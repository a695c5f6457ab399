# A module for each region, and in each of them a module for its card.

variable "regions" {
  type = map(object({
    nodes = optional(number, 1)
    motto = string
  }))
  default = {
    north = { nodes = 2, motto = "cold and clear" }
    south = { motto = "warm and wide" }
  }
  description = "The regions and what each has."
}

module "region" {
  source   = "./modules/region"
  for_each = var.regions

  name    = each.key
  nodes   = each.value.nodes
  motto   = each.value.motto
  records = directory.records.path
}

# The module was called `site` once. The objects in it stay what they are and only change their addresses.
moved {
  from = module.site
  to   = module.region
}

# This directory was there before loam. It is taken over as it is, with what is in it, and stays when all else goes.
import {
  to = directory.records
  id = "records"
}

resource "directory" "records" {
  path       = "records"
  on_destroy = "retain"
}

output "endpoints" {
  description = "Where the nodes of each region answer."
  value       = { for name, region in module.region : name => region.endpoints }
}

output "cards" {
  description = "The card of each region."
  value       = values(module.region)[*].card
}
