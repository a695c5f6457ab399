resource "machine" "a" {
  command = "run --fast"
  env     = { PATH = ["/bin"] }
  nodes   = "3 nodes"
}
