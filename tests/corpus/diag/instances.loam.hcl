resource "machine" "one" {
  command = ["run"]
}

resource "machine" "counted" {
  count   = 2
  command = ["run", machine.one[count.index].pid]
}

resource "machine" "each" {
  for_each = { a = 1 }
  command  = ["run", machine.counted.pid]
}

data "machine" "found" {
  for_each = { a = 1 }
  command  = ["run", machine.one["a"].pid]
}

output "each" {
  value = try(machine.each.pid, 0)
}

output "found" {
  value = "${data.machine.found.pid}"
}

output "first" {
  value = machine.one.0
}

output "good" {
  value = [machine.one.pid, machine.one[*].pid, machine.each["a"].pid, machine.counted[*].pid, machine.counted[0].pid]
}
