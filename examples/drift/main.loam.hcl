# Things that are easy to break by hand, to see how loam finds it and what it does about it.

resource "directory" "site" {
  path = "site"
}

resource "file" "motto" {
  path    = "${directory.site.path}/motto.txt"
  content = "As it was declared.\n"
  mode    = "0644"
}

# Made once; what happens to its text afterwards is nobody's business here.
resource "file" "notes" {
  path    = "${directory.site.path}/notes.txt"
  content = "Write what you like below.\n"

  lifecycle {
    ignore_changes = [content]
  }
}

# A detached process: it goes on when loam has ended.
resource "process" "server" {
  command = ["sleep", "86400"]
}

output "motto" {
  value = file.motto.id
}

output "log" {
  value = process.server.log
}
