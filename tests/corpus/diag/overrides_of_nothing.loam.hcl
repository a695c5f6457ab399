variable "size" {
  type    = number
  default = 1
}

resource "machine" "a" {
  command = ["run"]
}

# override
variable "size" {
  default = "large"
}

variable "siez" {
  default = 2
}

resource "machine" "aa" {
  command = ["walk"]
}

resource "machine" "a" {
  comand = ["walk"]
}

locals {
  x = 1
}
