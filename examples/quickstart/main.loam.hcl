# Three nodes of a replicated key-value store that start from the same prepared data:
#
#   seed/ → an archive in a bucket → extracted once → cloned into every node → a snapshot back into the bucket

variable "nodes" {
  type        = number
  default     = 3
  description = "How many nodes the network has."
}

variable "snapshot" {
  type        = string
  default     = "first"
  description = "A label; another one takes another snapshot."
}

# A directory on this machine: .loam/buckets/archives.
resource "bucket" "archives" {
  name = "archives"
}

# Checksummed, with a manifest beside it. Other content in seed/ becomes another archive beside this one.
resource "seed_archive" "genesis" {
  source  = "${path.module}/seed"
  bucket  = bucket.archives
  exclude = ["node_id"] # who a node is does not belong into what others start from
}

# Kept on destroy unless the configuration says otherwise: the next network does not fetch it again.
resource "seed_volume" "genesis" {
  archive = seed_archive.genesis
}

resource "network" "demo" {
  nodes = var.nodes
  seed  = seed_volume.genesis
  ports = { http = 0 } # 0: loam picks a free port and keeps it

  # $(NAME) differs from node to node; $(LOAM) is the loam that runs.
  command = [
    "$(LOAM)", "demo-node", "--name", "$(NODE_NAME)",
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

# The last node is stopped while its data is copied, and started again whatever happens.
resource "snapshot" "demo" {
  of         = network.demo
  triggers   = { label = var.snapshot }
  on_destroy = "delete" # in so many words: snapshots, like all that holds data, are kept otherwise

  archive {
    bucket = bucket.archives
  }

  keep {
    last = 2
  }
}

output "endpoints" {
  description = "Where each node answers."
  value       = { for name, node in network.demo.nodes : name => node.endpoints["http"] }
}

output "greeting" {
  description = "A key that came with the seed."
  value       = "${network.demo.nodes["0"].endpoints["http"]}/kv/greeting"
}

output "seed" {
  description = "The archive that the nodes started from."
  value       = { url = seed_archive.genesis.url, sha256 = seed_archive.genesis.sha256 }
}

output "snapshot" {
  description = "The newest snapshot."
  value       = snapshot.demo.archives[0].url
}
