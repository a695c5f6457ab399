removed {
  from = machine.a["eu"]
}

removed {
  from    = machine.b
  destroy = false
}

removed {
  from = machine.c
  lifecycle {
    destroy = "maybe"
    keep    = true
  }
  provisioner "local-exec" {
    command = "true"
  }
}

removed {
  lifecycle {
    destroy = false
  }
}
