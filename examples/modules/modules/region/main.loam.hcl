variable "name" {
  type        = string
  description = "The region's name."
}

variable "nodes" {
  type        = number
  description = "How many nodes it has."

  validation {
    condition     = var.nodes > 0
    error_message = "The region ${var.name} needs a node."
  }
}

variable "motto" {
  type = string
}

variable "records" {
  type        = string
  description = "The directory that cards are written to."
}

resource "network" "this" {
  name  = var.name
  nodes = var.nodes
  ports = { http = 0 }

  command = [
    "$(LOAM)", "demo-node", "--name", "${var.name}-$(NODE_NAME)",
    "--listen", "$(NODE_HOST):$(PORT_HTTP)", "--data-dir", "$(DATA_DIR)", "--peers", "$(PEERS)",
  ]

  peers {
    format = "http://$(NODE_HOST):$(PORT_HTTP)"
  }

  ready {
    http {
      port = "http"
      path = "/health"
    }
    timeout = "30s"
  }
}

module "card" {
  source = "../card"

  path  = "${var.records}/${var.name}.txt"
  title = "${title(var.name)}: ${var.motto}"
  lines = [for name, node in network.this.nodes : "${name} ${node.endpoints["http"]}"]
}

output "endpoints" {
  description = "Where each node answers."
  value       = [for node in network.this.nodes : node.endpoints["http"]]
}

output "card" {
  description = "The path of the region's card."
  value       = module.card.path
}
