variable "name" {
  type     = string
  nullable = false
  default  = null
}

variable "size" {
  type     = number
  default  = 1
  nullable = "no"
}
