resource "machine" "a" {
  command = ["run"]
  port "http" { number = 80 protocol = "tcp" }
}
