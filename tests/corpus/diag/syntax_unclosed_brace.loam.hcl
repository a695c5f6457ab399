resource "machine" "a" {
  command = ["run"]
  stop {
    grace = "1s"
}

resource "machine" "b" {
  command = ["run"]
}
