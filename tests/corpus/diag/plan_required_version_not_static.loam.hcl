loam {
  required_version = machine.a.version
}

resource "machine" "a" {
  command = ["run"]
}
