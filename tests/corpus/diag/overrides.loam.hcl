variable "size" {
  default = "small"
}

resource "machine" "a" {
  command = ["run"]
}

resource "machine" "b" {
  command = ["run"]
  memory  = "1GiB"
}

output "o" {
  value = machine.a.pid
}

module "site" {
  source = "./site"
}

# override
variable "size" {
  type = number
  validation {
    condition     = var.size > 0
    error_message = "It must be positive."
  }
}

variable "new" {}

locals {
  new = 1
}

resource "machine" "new" {
  command = []
}

resource "machine" "a" {
  depends_on = [machine.b]
  memroy     = "1GiB"
  lifecycle {
    postcondition {
      condition     = self.pid > 0
      error_message = "It does not run."
    }
  }
}

resource "machine" "b" {
  memory = "much"
}

output "o" {
  depends_on = [machine.b]
}

output "new" {
  value = 1
}

module "site" {
  depends_on = [machine.a]
}

module "new" {
  source = "./new"
}

provider "kube" {
  alias = "new"
}

moved {
  from = machine.old
  to   = machine.a
}

check "new" {
  assert {
    condition     = machine.a.pid > 0
    error_message = "It does not run."
  }
}
