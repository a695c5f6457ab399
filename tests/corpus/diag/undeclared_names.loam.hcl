variable "region" {
  default = "eu"
}

locals {
  name = "x"
}

resource "machine" "bench" {
  command = [var.regoin, local.nmae, machine.bnech.pid, data.machine.bench.pid]
}

output "others" {
  value = [vra.region, disk.a.id, nothing, module.gone.x]
}
