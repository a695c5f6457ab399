variable "list" {
  type    = list(string)
  default = ["a", "b"]
}
variable "map" {
  type    = map(string)
  default = { region = "eu" }
}
locals {
  a = var.list[2]
  b = var.list[-1]
  c = var.list["x"]
  d = var.map["regoin"]
  e = var.map.zone
  f = toset(["a"])[0]
  g = [][0]
  h = [[1]].0.0
  i = var.list[0.5]
}
