variable "region" {
  type        = string
  description = "Where to build."
}

variable "sizes" {
  type = map(number)
}
