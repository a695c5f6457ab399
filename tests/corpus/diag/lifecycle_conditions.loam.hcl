resource "machine" "a" {
  command = ["run"]

  lifecycle {
    precondition {
      error_message = "no condition"
    }

    postcondition {
      condition     = machine.a.pid > 0
      error_message = "no process"
    }

    precondition {
      condition     = self.pid > 0
      error_message = "no process"
    }
  }
}
