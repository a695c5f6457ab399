check "up" {
  data "http" "home" {}
  assert {
    condition     = data.http.home.status == 200
    error_message = "down"
  }
}

check "again" {
  data "http" "home" {}
  assert {
    condition     = data.http.home.status == 200
    error_message = "down"
  }
}

output "status" {
  value = data.http.home.status
}
