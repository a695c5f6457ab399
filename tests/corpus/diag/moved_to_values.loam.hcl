moved {
  from = var.x
  to   = local.y
}

import {
  to = each.key
  id = "x"
}
