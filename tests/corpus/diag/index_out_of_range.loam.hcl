variable "zones" {
  type    = list(string)
  default = ["eu-1", "eu-2"]
}

locals {
  third = var.zones[2]
  pair  = ["a", "b"][5]
  deep  = [[1], []][1][0]
}
