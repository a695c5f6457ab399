locals {
  a = self.id
}

output "b" {
  value = self
}

resource "machine" "c" {
  command = [self.pid]
}
