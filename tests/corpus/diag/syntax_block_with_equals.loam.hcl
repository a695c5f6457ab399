resource "machine" "a" = {
  command = ["run"]
}
