locals {
  a = uper("x")
  b = make_it_so(1, nope("x"))
  c = provider::kube::thing(1)
}
