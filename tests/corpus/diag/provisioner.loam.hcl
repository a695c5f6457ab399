resource "machine" "a" {
  command = ["run"]

  connection {
    host = "x"
  }

  provisioner "local-exec" {
    command = "echo"
  }
}
