output "a" {
  vlaue = 1
}
output "b" {
  value     = 1
  sensitive = 5
  precondition {
    condition = true
  }
}
