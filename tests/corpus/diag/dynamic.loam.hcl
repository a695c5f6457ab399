resource "machine" "a" {
  command = []
  dynamic "port" {
    iterator = "item"
    content {
      number = port.value
    }
  }
  dynamic "port" {
    for_each = [80]
  }
  dynamic {
    for_each = [80]
    content {}
  }
  dynamic "port" {
    for_each = [80]
    content {
      number = item.value
    }
    content {
      number = port.value
    }
    number = 80
  }
  dynamic "lifecycle" {
    for_each = [1]
    content {
      prevent_destroy = true
    }
  }
}
