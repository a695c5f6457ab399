resource "machine" "a" {
  command    = ["run"]
  depends_on = ["bucket.x"]
  provider   = "kube.none"

  lifecycle {
    ignore_changes = ["comand"]
  }
}

resource "bucket" "x" {
  name = "x"
}
