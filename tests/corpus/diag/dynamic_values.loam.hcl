variable "token" {
  default   = "hunter2"
  sensitive = true
}

resource "machine" "a" {
  command = []
  dynamic "port" {
    for_each = toset([80, 443])
    content {
      number = port.value
    }
  }
  dynamic "port" {
    for_each = { (var.token) = 80 }
    labels   = [port.key]
    content {
      number = port.value
    }
  }
  dynamic "port" {
    for_each = { http = 80, https = 443 }
    labels   = ["x"]
    content {
      nubmer = port.value
    }
  }
  dynamic "port" {
    for_each = { http = "eighty" }
    labels   = port.key
    content {
      number = port.value
    }
  }
  dynamic "port" {
    for_each = { http = "eighty" }
    labels   = [port.key]
    content {
      number = port.value
    }
  }
  dynamic "stop" {
    for_each = [1, 2]
    labels   = ["x"]
    content {
      grace = "${stop.value}s"
    }
  }
  dynamic "env" {
    for_each = []
    content {}
  }
  dynamic "prot" {
    for_each = 80
    content {}
  }
}

resource "machine" "b" {
  command = []
  dynamic "stop" {
    for_each = null
    content {
      grace = stop.valu
    }
  }
}

resource "machine" "c" {
  command = []
  dynamic "stop" {
    for_each = "one"
    content {
      grace = stop.value
    }
  }
}
