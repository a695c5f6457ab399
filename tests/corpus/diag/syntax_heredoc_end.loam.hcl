locals {
  a = <<EOT
text
EOT + "x"
}
