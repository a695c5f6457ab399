a = jsonencode(<<EOT
{"a": 1}
EOT
)
bcd = templatefile("x", {
  y = <<EOT
z
EOT
})
