resource "machine" "a" {
  command = [each.key, "${count.index}", self.pid]
}

resource "machine" "b" {
  count   = 2
  command = [each.value]
}

locals {
  a = each.key
}
