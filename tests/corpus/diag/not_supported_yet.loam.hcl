module "site" {
  source = "./site"
}

moved {
  from = machine.a
  to   = machine.b
}

resource "machine" "b" {
  command = []
  dynamic "port" {
    for_each = [1]
    content {
      number = port.value
    }
  }
}

output "site" {
  value = module.site.url
}
