resource "machine" "a" {
  command = ["run"]
  ports "http" {
    number = 80
  }
  port {
    number = 80
  }
  port "dns" {
    number   = "fifty-three"
    protocol = "upd"
  }
  port "dns" {
  }
  stop {
    grace = 10
  }
  stop {
    graec = "10s"
  }
  memory {}
}
