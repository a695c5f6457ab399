variable "a" {
  type    = object
  default = {}
}

variable "b" {
  type    = object([string])
  default = {}
}

variable "c" {
  type    = list(optional(string))
  default = []
}

variable "d" {
  type    = object({ name = strng, port = optional() })
  default = {}
}

variable "e" {
  type    = tuple([string, nubmer])
  default = []
}

variable "f" {
  type    = set
  default = []
}

variable "g" {
  type    = [string]
  default = []
}

variable "h" {
  type    = { name = string }
  default = {}
}

variable "i" {
  type    = list(string, 2)
  default = []
}

variable "k" {
  type    = int
  default = 1
}
