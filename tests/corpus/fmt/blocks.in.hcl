resource "network"   "bench"{
nodes=3
  kube{
storage_class="fast"
}


provisioner  "x"   "y" {
a=1
  }
}
variable region {
}
terraform{}
empty {
}
one { a=1 }
two "x" {b = 2}
