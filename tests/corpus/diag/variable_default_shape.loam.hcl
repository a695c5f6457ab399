variable "server" {
  type = object({
    name  = string
    ports = optional(list(number), [80])
  })
  default = { nmae = "web", ports = ["http"] }
}

variable "pair" {
  type    = tuple([string, number])
  default = ["a"]
}

variable "flags" {
  type    = map(bool)
  default = { fast = "very" }
}

variable "tags" {
  type    = set(string)
  default = "one"
}
