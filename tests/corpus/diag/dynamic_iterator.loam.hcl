resource "machine" "a" {
  command = ["run"]

  dynamic "port" {
    for_each = { http = 80 }
    iterator = each.value
    labels   = [port.key]
    content {
      number = port.value
    }
  }

  dynamic "port" {
    for_each = { http = 80 }
    iterator = item
    labels   = [port.key]
    content {
      number = item.vlaue
    }
  }
}
