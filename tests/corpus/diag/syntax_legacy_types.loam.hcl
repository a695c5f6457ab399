variable "a" {
  type    = "list"
  default = []
}

variable "b" {
  type    = "map"
  default = {}
}

variable "c" {
  type    = set
  default = {}
}
