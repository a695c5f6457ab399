# before
resource "loam_data" "a" {
  lifecycle {
    prevent_destroy = true
  }
}
# now
resource "loam_data" "a" {
  triggers_replace = "x"

  lifecycle {
    prevent_destroy = true
  }
}
