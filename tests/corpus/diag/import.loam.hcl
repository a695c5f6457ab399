import {
  to = machine.a
}

import {
  id = "a"
}

import {
  to = module.site
  id = "b"
}

import {
  to = data.http.a
  id = "c"
}

import {
  to = machine.a[each.key]
  id = each.value
}

import {
  to       = machine.a[each.key]
  id       = each.value
  for_each = { a = var.gone }
  provider = kube.gone
  lifecycle {}
}
