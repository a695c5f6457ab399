variable "ports" {
  type      = map(number)
  default   = { hunter2 = 80 }
  sensitive = true
}

resource "machine" "a" {
  command = ["run"]

  dynamic "port" {
    for_each = var.ports
    labels   = [port.key]
    content {
      number = port.value
    }
  }

  dynamic "stop" {
    for_each = null
    content {}
  }
}
