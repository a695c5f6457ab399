check "nothing" {}

check {
  assert {
    condition     = true
    error_message = "never"
  }
}

check "other" {
  precondition {
    condition     = true
    error_message = "never"
  }
}

check "half" {
  assert {
    condition = true
  }
}

check "data" {
  data "http" "a" {
    count = 2
    lifecycle {
      postcondition {
        condition     = self.status == 200
        error_message = "down"
      }
    }
  }
  data "http" "b" {}
  assert {
    condition     = data.http.a.status == 200
    error_message = "down"
  }
}

check "half" {
  assert {
    condition     = each.key == "a"
    error_message = "never"
  }
}
