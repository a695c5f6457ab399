output "size" {
  value = 1

  precondition {
    condition     = 1 > 2
    error_message = "One is not larger than two."
  }

  precondition {
    condition     = "maybe"
    error_message = "wrong"
  }
}
