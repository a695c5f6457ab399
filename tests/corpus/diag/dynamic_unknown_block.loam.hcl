resource "machine" "a" {
  command = ["run"]

  dynamic "ports" {
    for_each = { http = 80 }
    labels   = [ports.key]
    content {
      number = ports.value
    }
  }

  dynamic "port" {
    labels = ["http"]
    content {
      number = 80
    }
  }

  dynamic "port" "http" {
    for_each = [80]
    content {
      number = port.value
    }
  }
}
