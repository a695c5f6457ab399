locals {
  text = << EOT
some lines
name = 1
EOT
  size = 
}
