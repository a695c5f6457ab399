variable "protected" {
  type    = bool
  default = true
}

resource "loam_data" "base" {
}

resource "loam_data" "guarded" {
  on_destroy = loam_data.base.id == "x" ? "retain" : "delete"

  lifecycle {
    prevent_destroy       = loam_data.base.id == "x"
    create_before_destroy = loam_data.base.output != null
  }
}

resource "loam_data" "wrong" {
  on_destroy = var.protected ? "keep" : "delete"

  lifecycle {
    prevent_destroy       = var.protected ? "maybe" : "no"
    create_before_destroy = [var.protected]
  }
}

resource "loam_data" "nothing" {
  on_destroy = var.protected ? null : "delete"
}
