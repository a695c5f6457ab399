locals {
  a = count.index
  b = each.value
}

output "c" {
  value = each.key
}

resource "machine" "d" {
  for_each = toset(["x"])
  command  = ["${count.index}"]
}

resource "machine" "e" {
  count   = 2
  command = [each.key]
}
