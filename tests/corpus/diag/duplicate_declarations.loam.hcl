variable "a" {
  default = 1
}
variable "a" {
  default = 2
}
locals {
  x = 1
  y = 2
}
locals {
  x = 3
}
resource "machine" "a" {
  command = []
}
resource "machine" "a" {
  command = []
}
output "o" {
  value = 1
}
output "o" {
  value = 2
}
provider "kube" {}
provider "kube" {}
loam {}
loam {}
