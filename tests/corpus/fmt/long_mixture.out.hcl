locals {
  a = [for x in var.list : {
    name = x.name, id = "${x.id}-${x.zone}", tags = merge(var.tags, {
      Name   = x.name # named
      Longer = "y"    # aligned
    })
  } if x.enabled && !x.hidden]

  b  = try(var.b[0].c.d, null) != null ? var.b[0].c.d : -1
  cc = <<-EOT
%{for y in z~}
  ${y.name}=${jsonencode(y)}
%{endfor~}
EOT
  d  = formatlist("%s-%s", var.e[*].f, var.g.*.h) // lists
}
