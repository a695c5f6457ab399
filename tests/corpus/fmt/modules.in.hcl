loam{
required_version=">= 0.1"
backend "s3" {
bucket="b"
key="k"
}
}
provider "kube" {
alias="ci"
context=var.context
}
resource "seed_volume" "mainnet" {
for_each={for n in local.nodes:n.name=>n}
provider=kube.ci
archive=seed_archive.mainnet
size="${each.value.size}"
lifecycle {
prevent_destroy=true
ignore_changes=[tags["x"],size]
precondition {
condition=length(var.a)>0&&!var.b
error_message="No ${var.a}."
}
}
dynamic "mount" {
for_each=var.mounts
content {
path=mount.value
}
}
}
output "endpoints" {
value={for k,n in network.bench.nodes:k=>n.endpoints.http} # by node
sensitive=true
}
