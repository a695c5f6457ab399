module "site" {
  source = "./site"
  size   = 0
}
# file: site/main.loam.hcl
variable "size" {
  type = number

  validation {
    condition     = var.size > 0
    error_message = "The size must be positive."
  }
}
