variable "nothing" {
  type    = string
  default = null
}
resource "bucket" "a" {
  name = var.nothing
}
