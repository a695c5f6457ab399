variable "regions" {
  type = map(object({
    nodes = optional(number, 1)
    motto = optional(string)
  }))
  default = {
    north = { noeds = 3, motto = "cold" }
    south = { nodes = 2, colour = "red" }
  }
}
variable "ports" {
  type    = list(object({ number = number, protocol = optional(string, "tcp") }))
  default = [{ number = 80 }, { number = 443, protcol = "udp" }]
}
variable "login" {
  type      = object({ user = string, token = optional(string) })
  default   = { user = "loam", tokn = "hunter2" }
  sensitive = true
}
variable "required" {
  type    = object({ name = string })
  default = { nam = "x" }
}
