variable "path" {
  type = string
}

variable "title" {
  type = string
}

variable "lines" {
  type    = list(string)
  default = []
}

resource "file" "this" {
  path    = var.path
  content = "${join("\n", concat([var.title], var.lines))}\n"
}

output "path" {
  value = file.this.path
}
