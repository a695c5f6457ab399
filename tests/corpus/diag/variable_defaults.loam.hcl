variable "a" {
  type    = number
  default = "twelve"
}
variable "b" {
  type    = object({ name = string })
  default = {}
}
variable "c" {
  default = var.a
}
variable "d" {
  nullable = false
  default  = null
}
variable "e" {
  type    = list(object({ port = number }))
  default = [{ port = 1 }, { port = "x" }]
}
