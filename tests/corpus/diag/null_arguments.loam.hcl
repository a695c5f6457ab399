resource "machine" "a" {
  command = null
  env     = { A = null }

  port "http" {
    number = null
  }
}

resource "machine" "b" {
  command  = [null]
  count    = null
}

resource "machine" "c" {
  command  = ["run"]
  for_each = null
}
