variable "a" {
  type    = list(string)
  default = x
}
variable "b" {
  type = map(any)
}
variable "c" {
  type = string # c
}
variable "d" {
  type = "number"
}
variable "e" {
  type = set(any)
  nested {
    type = "list"
  }
}
variable "f" {
  type = object({
    a   = string
    bbb = optional(list(number), [])
  })
}
variable "g" { type = map(string) }
resource "x" "y" {
  type = "list"
}
