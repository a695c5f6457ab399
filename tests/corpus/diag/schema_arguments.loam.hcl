resource "machine" "a" {
  commnd = ["run"]
  memory = 16
  rate   = "fast"
  env    = "A=1"
  pid    = 5
  port   = 80
  node_count = 2
}
