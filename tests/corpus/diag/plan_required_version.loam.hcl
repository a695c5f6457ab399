loam {
  required_version = join(", ", [">= 90", local.below])
}

locals {
  below = "< 95"
}
