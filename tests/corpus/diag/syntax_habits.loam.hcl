locals {
  both      = var.a and var.b
  either    = var.a or var.b
  neither   = not true
  same      = 1 === 2
  differs   = 1 !== 2
  unlike    = 1 <> 2
  power     = 2 ** 3
  shouted   = upper "x"
  arrow     = x => x + 1
  listed    = map(["a"], x => upper(x))
  chosen    = if true { 1 }
  short     = true ?: 1
  fallback  = null ?? 1
  optional  = local.same?.name
  half      = true ? 1
  next      = local.same++
  first     = second = 3
  in_braces = [1, not true]
  in_parens = (true and false)
  count += 1
  index++
  total := 3
}
