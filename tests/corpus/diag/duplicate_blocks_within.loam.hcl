resource "machine" "a" {
  command = ["run"]

  lifecycle {}
  lifecycle {}

  timeouts {}
  timeouts {}

  stop {}
  stop {}
}

moved {
  from = machine.old
  to   = machine.a
  to   = machine.a
}
