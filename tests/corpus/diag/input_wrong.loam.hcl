variable "size" {
  type    = number
  default = 1
}
variable "ports" {
  type    = list(number)
  default = []
}
variable "region" {
  default = "eu"
}
variable "token" {
  type      = number
  default   = 1
  sensitive = true
}
