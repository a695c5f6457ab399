# One block, many objects: a network for every region, known by the region's name and not by its place in a list.

variable "regions" {
  type = map(object({
    nodes = number
    motto = string
  }))
  default = {
    north = { nodes = 2, motto = "cold and clear" }
    south = { nodes = 1, motto = "warm and wide" }
  }
  description = "The regions and what each has."
}

resource "network" "region" {
  for_each = var.regions

  name  = each.key
  nodes = each.value.nodes
  ports = { http = 0 }

  command = [
    "$(LOAM)", "demo-node", "--name", "${each.key}-$(NODE_NAME)",
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

resource "directory" "cards" {
  path = "cards"
}

# A card for each region, which lists its nodes.
resource "file" "card" {
  for_each = var.regions

  path    = "${directory.cards.path}/${each.key}.txt"
  content = <<-EOT
    ${title(each.key)}: ${each.value.motto}
    %{for name, node in network.region[each.key].nodes~}
    ${name} ${node.endpoints["http"]}
    %{endfor~}
  EOT
}

# Alike but for their number: count does.
resource "loam_data" "ticket" {
  count = 3
  input = "ticket ${count.index + 1} of 3"
}

output "endpoints" {
  description = "Where the nodes of each region answer."
  value = {
    for region, network in network.region :
    region => [for node in network.nodes : node.endpoints["http"]]
  }
}

output "cards" {
  value = [for card in file.card : card.path]
}

output "tickets" {
  value = loam_data.ticket[*].output
}
