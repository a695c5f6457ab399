loam {
  required_version = ">= 0.1, < 2"
  backend "local" {
    path = "state"
  }
}

provider "local" {}

provider "kube" {
  alias   = "ci"
  context = var.region
}

variable "region" {
  type        = string
  default     = "eu"
  description = "Where."
  nullable    = false

  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "The region is eu or us, not ${var.region}."
  }
}

variable "limits" {
  type = object({
    cpu  = optional(number, 0.5)
    tags = optional(map(string), {})
  })
  default = {}
}

locals {
  names = [for i in range(2) : "n${i}"]
  text  = <<-EOT
    Hello ${var.region}
      %{ for name in local.names ~}
      - ${name}
      %{ endfor ~}
  EOT
  escaped = "$${x} %%{y} \"q\" \u00e9"
}

resource "bucket" "archives" {
  name = "archives-${var.region}"
  tags = { owner = "me", cpu = var.limits.cpu }
}

resource "machine" "bench" {
  for_each   = toset(local.names)
  provider   = kube.ci
  depends_on = [bucket.archives]
  command    = ["run", each.key, bucket.archives.url]
  memory     = "16MiB"
  rate       = "50MB/s"
  nodes      = 3
  token      = "hunter2"
  on_destroy = "retain"

  port "http" {
    number   = 80
    protocol = "tcp"
  }
  stop {
    grace = "10s"
  }
  lifecycle {
    create_before_destroy = true
    prevent_destroy       = false
    ignore_changes        = [command, env["TOKEN"]]
    replace_triggered_by  = [bucket.archives.url]
    precondition {
      condition     = length(local.names) > 0
      error_message = "There must be names."
    }
    postcondition {
      condition     = self.pid > 0
      error_message = "It must run."
    }
  }
  timeouts {
    create = "5m"
  }
}

resource "machine" "counted" {
  count   = 2
  command = ["run", "${count.index}"]
}

data "machine" "found" {
  command = [machine.bench["n0"].pid, one(machine.counted[*].pid)]
}

output "pids" {
  value       = { for key, found in machine.bench : key => found.pid }
  description = "The processes."
  sensitive   = true
  depends_on  = [data.machine.found]
}
