resource "machine" "a" {
  command = ["run"]

  timeouts {
    create = "soon"
    update = 5
    destroy = "5m"
  }
}

resource "machine" "b" {
  command = ["run"]
  timeouts = { create = "5m" }
}
