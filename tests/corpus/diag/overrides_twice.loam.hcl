resource "machine" "a" {
  command = ["run"]
}

# override
resource "machine" "a" {
  memory = "1GiB"
  memory = "2GiB"
}

resource "machine" "a" {
  count    = 2
  for_each = toset([])
}

moved {
  from = machine.b
  to   = machine.a
}

resource machine {
}
