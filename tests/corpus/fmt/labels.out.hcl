resource "network" "bench" {}
resource "a" "b" {}
resource "a" "b-c" { x = 1 }
locals {}
data "x" "y z" {
}
