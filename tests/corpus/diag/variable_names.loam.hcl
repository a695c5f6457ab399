variable "source" {
  default = 1
}

variable "for_each" {
  default = 1
}

variable "1st" {}

variable "a.b" {}

variable "${local.x}" {}
