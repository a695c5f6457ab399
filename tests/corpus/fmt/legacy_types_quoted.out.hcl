variable "a" {
  type = string
}
variable "b" {
  type = list(string)
}
variable "c" {
  type = map(string)
}
variable "d" {
  type = list(any)
}
variable "e" {
  type = map(any)
}
variable "f" {
  type = "number"
}
variable "g" {
  type = set(any)
}
variable "h" {
  type = list("string")
}
