a = { "${x}" = 1, (y) = 2, z = 3 }
b = {
  (y)          = 2
  "quoted key" = 3
  longer_key   = 4
}
