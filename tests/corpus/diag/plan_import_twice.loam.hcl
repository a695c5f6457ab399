# before
resource "directory" "a" {
  path = "a"
}
# now
resource "directory" "b" {
  path = "b"
}

resource "directory" "c" {
  path = "c"
}

import {
  to = directory.b
  id = "b"
}

import {
  to = directory.b
  id = "c"
}

import {
  to = directory.c
  id = "b"
}
# file: b/x.txt
x
# file: c/x.txt
x
