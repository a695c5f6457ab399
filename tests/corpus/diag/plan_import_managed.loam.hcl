# before
resource "directory" "a" {
  path = "a"
}
# now
resource "directory" "a" {
  path = "a"
}

resource "directory" "b" {
  path = "a"
}

import {
  to = directory.b
  id = "a"
}
