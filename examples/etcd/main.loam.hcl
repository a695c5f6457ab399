# An etcd cluster of real servers that start from a snapshot of another cluster's data.
# How a member starts, joins and goes on is explained in member.sh.

variable "nodes" {
  type        = number
  default     = 3
  description = "How many members the cluster has."
}

variable "snapshot_count" {
  type        = number
  default     = 10000
  description = "etcd's --snapshot-count; changing it restarts the members one at a time."
}

resource "bucket" "archives" {
  name = "archives"
}

# seed/snapshot.db, as `etcdctl snapshot save` wrote it; prepare.sh makes one.
resource "seed_archive" "etcd" {
  source = "${path.module}/seed"
  bucket = bucket.archives
}

resource "seed_volume" "etcd" {
  archive    = seed_archive.etcd
  on_destroy = "delete"
}

resource "network" "etcd" {
  nodes   = var.nodes
  seed    = seed_volume.etcd
  command = ["./member.sh", "--snapshot-count", tostring(var.snapshot_count)]
  ports   = { client = 0, peer = 0 }

  env = {
    NODE_NAME   = "etcd-$(NODE_NAME)"
    NODE_HOST   = "$(NODE_HOST)"
    PORT_CLIENT = "$(PORT_CLIENT)"
    PORT_PEER   = "$(PORT_PEER)"
    DATA_DIR    = "$(DATA_DIR)"
    PEERS       = "$(PEERS)"
  }

  peers {
    format = "etcd-$(NODE_NAME)=http://$(NODE_HOST):$(PORT_PEER)"
  }

  # A member that goes is taken out of the cluster while it still runs, so the others never count on it.
  before_leave {
    command     = ["./leave.sh", "$(OTHERS_CLIENT)", "http://$(NODE_HOST):$(PORT_PEER)"]
    retry_every = "1s"
    timeout     = "1m"
  }

  ready {
    http {
      port = "client"
      path = "/health"
    }
    timeout = "2m"
  }
}

output "endpoints" {
  description = "Where the members answer their clients."
  value       = { for name, node in network.etcd.nodes : name => node.endpoints["client"] }
}

output "all" {
  description = "The same for etcdctl --endpoints."
  value       = join(",", [for node in network.etcd.nodes : node.endpoints["client"]])
}
