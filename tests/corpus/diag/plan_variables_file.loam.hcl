variable "size" {
  type = number
}

variable "region" {
  type    = string
  default = "eu"
}
# file: loam.vars.hcl
size   = "large"
regoin = "us"
region = upper("us")
zone   = var.region

variable "x" {}
