resuorce "machine" "a" {
  command = []
}

terraform {
  required_version = "1"
}

widget {}
