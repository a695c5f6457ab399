resource "file" "a" {
  path    = "a.txt"
  content = "a"

  timeouts {
    create = "soon"
    update = 5
  }

  lifecycle {
    prevent_destroy = "perhaps"
  }
}
