# A directory that is published as a series of versions, and another one that follows it.

variable "from" {
  type        = string
  default     = "origin"
  description = "The directory that is published."
}

variable "to" {
  type        = string
  default     = "copy"
  description = "The directory that follows."
}

resource "bucket" "series" {
  name = "series"
}

# Publishes a version whenever the content of the directory changed.
resource "replica" "origin" {
  mode       = "push"
  source     = var.from
  bucket     = bucket.series
  series     = "notes"
  exclude    = ["*.tmp"]
  on_destroy = "delete" # the series goes with its block; without this it would be kept, and so would have to be the bucket
}

# Goes to the version that was just published, in the same apply.
resource "replica" "copy" {
  mode       = "pull"
  target     = var.to
  bucket     = bucket.series
  series     = replica.origin.series
  version    = replica.origin.version
  on_destroy = "delete"
}

output "version" {
  description = "The version that the copy holds."
  value       = replica.copy.version
}

output "status" {
  value = replica.copy.status
}
