resource "machine" "a" {
  command = ["run"],
  nodes   = 1
}
