loam {
  required_version = "newest"
  backends         = "local"
}
