module "again" {
  source = "./again"
}
# file: again/main.loam.hcl
module "again" {
  source = "../again"
}
