variable "a" {
  type    = set
  default = []
}
variable "b" {
  type    = "string"
  default = ""
}
variable "c" {
  type    = map(string, number)
  default = {}
}
variable "d" {
  type    = object({ a = optional(number, "x"), b = lst(string) })
  default = {}
}
variable "e" {
  type    = optional(string)
  default = ""
}
variable "f" {
  type    = tuple(string)
  default = []
}
variable "g" {
  type    = 5
  default = []
}
