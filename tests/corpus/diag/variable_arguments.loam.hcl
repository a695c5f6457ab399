variable "a" {
  tpye      = string
  default   = 1
  sensitive = var.b
  nullable  = "maybe"
  validation {
    condition = true
  }
  validate {}
}
variable "count" {
  default = 1
}
