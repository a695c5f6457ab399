resource "loam_data" "many" {
  for_each = toset(["a", "b"])
}

resource "loam_data" "numbered" {
  count = 2
}

resource "loam_data" "one" {
}

output "a" {
  value = loam_data.many["c"].id
}

output "b" {
  value = loam_data.many.id
}

output "c" {
  value = loam_data.numbered[2].id
}

output "d" {
  value = loam_data.numbered.id
}

output "e" {
  value = loam_data.one[0].id
}
