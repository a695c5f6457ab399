module "one" {
  source = "./site"
  name   = each.key
  number = count.index
  owner  = self.name
}

module "many" {
  source   = "./sites/${each.key}"
  for_each = toset(["a", each.value])
  name     = each.key
}

output "url" {
  value = module.mnay["a"].url
}

output "all" {
  value = module
}
