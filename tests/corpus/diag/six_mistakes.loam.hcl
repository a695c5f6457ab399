variable "region" {
  type    = strin
  default = "eu"
}

locals {
  name  = "net-${var.regoin}"
  ports = [80, 81
}

resource "machine" "bench" {
  comand = ["run"]
  memory = 16
}

resource "machine" "broken" {
  command = ["run" "it"]
}

output "url" {
  value = machine.bnech.pid
}
