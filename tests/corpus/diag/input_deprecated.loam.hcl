variable "size" {
  default    = "small"
  deprecated = "Use `nodes`."
}

variable "ports" {
  type       = list(number)
  default    = []
  deprecated = "They are found by themselves."
}

variable "region" {
  default    = "eu"
  deprecated = "It is never said, because nobody sets it."
}
