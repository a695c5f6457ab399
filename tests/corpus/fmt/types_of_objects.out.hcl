variable "a" {
  type = object({ a = string, bb = optional(number, 1) })
}
variable "b" {
  type = object({
    a   = string
    bbb = number
  })
}
