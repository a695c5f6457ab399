# Three nodes of a small replicated key-value store, each with its own data directory.
# Show what will happen: loam plan      Make it so: loam apply      Take it down: loam destroy

variable "nodes" {
  type        = number
  default     = 3
  description = "How many nodes the network has."
}

resource "network" "demo" {
  nodes = var.nodes
  ports = { http = 0 } # 0: loam picks a free port and keeps it

  # $(NAME) differs from node to node; any program that stays in the foreground can stand here.
  command = [
    "$(LOAM)", "demo-node", "--name", "$(NODE_NAME)",
    "--listen", "$(NODE_HOST):$(PORT_HTTP)", "--data-dir", "$(DATA_DIR)", "--peers", "$(PEERS)",
  ]

  peers {
    format    = "http://$(NODE_HOST):$(PORT_HTTP)"
    separator = ","
  }

  ready {
    http {
      port = "http"
      path = "/health"
    }
    timeout = "30s"
  }
}

# curl -X PUT -d hello "$(loam output --json endpoints | jq -r '.["0"]')/kv/greeting"
output "endpoints" {
  description = "Where each node answers."
  value       = { for name, node in network.demo.nodes : name => node.endpoints["http"] }
}
