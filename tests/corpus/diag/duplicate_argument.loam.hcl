resource "machine" "a" {
  command = ["run"]
  nodes   = 1
  nodes   = 2
  memry   = "1GiB"
}
