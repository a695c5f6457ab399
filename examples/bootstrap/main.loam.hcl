# A network that starts empty and is filled by a program; a snapshot of it is what others start from.

variable "keys" {
  type        = number
  default     = 20
  description = "How many keys the bootstrap writes."
}

locals {
  demo_node = [
    "$(LOAM)", "demo-node", "--name", "$(NODE_NAME)",
    "--listen", "$(NODE_HOST):$(PORT_HTTP)", "--data-dir", "$(DATA_DIR)", "--peers", "$(PEERS)",
  ]
}

resource "bucket" "archives" {
  name = "archives"
}

# One node without a seed. Its bootstrap runs once, when the node is ready for the first time.
resource "network" "origin" {
  command = local.demo_node
  ports   = { http = 0 }

  bootstrap {
    command = ["./fill.sh", "http://$(NODE_HOST):$(PORT_HTTP)", tostring(var.keys)]
    timeout = "1m"
  }

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

# The node is stopped while its data is copied: at rest, a database is one consistent file.
resource "snapshot" "filled" {
  of         = network.origin
  quiesce    = "stop"
  on_destroy = "delete"

  archive {
    bucket  = bucket.archives
    exclude = ["node_id"]
  }
}

# A snapshot's archive is an archive like any other: others are seeded from it.
resource "seed_volume" "filled" {
  archive    = snapshot.filled.archives[0]
  on_destroy = "delete"
}

# The same network, but for its seed. The bootstrap is skipped: the snapshot says that it has run.
resource "network" "followers" {
  nodes   = 2
  seed    = seed_volume.filled
  command = local.demo_node
  ports   = { http = 0 }

  bootstrap {
    command = ["./fill.sh", "http://$(NODE_HOST):$(PORT_HTTP)", tostring(var.keys)]
    timeout = "1m"
  }

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

output "origin" {
  description = "Where the network answers that was filled."
  value       = network.origin.nodes["0"].endpoints["http"]
}

output "endpoints" {
  description = "Where the nodes answer that were seeded from it."
  value       = { for name, node in network.followers.nodes : name => node.endpoints["http"] }
}
