locals {
  a = "%{ if true }x%{ else }y%{ else }z%{ endif }"
  b = "%{ for x in [1] }${x}%{ endif }"
  c = "%{ for in [1] }x%{ endfor }"
}
