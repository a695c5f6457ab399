import {
  to = directory.a
  id = ""
}

import {
  to = directory.gone
  id = "x"
}

import {
  to = directory.b
  id = loam_data.c.id
}

import {
  to       = directory.d[each.key]
  for_each = ["x"]
  id       = each.value
}

resource "directory" "a" {
  path = "a"
}

resource "directory" "b" {
  path = "b"
}

resource "loam_data" "c" {
}

resource "directory" "d" {
  for_each = toset(["x"])
  path     = each.key
}
