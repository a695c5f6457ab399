variable "token" {
  default   = "hunter2"
  ephemeral = true

  validation {
    condition     = length(var.token) > 20
    error_message = "It must not be ${var.token}."
  }
}

resource "machine" "a" {
  command = ["login", var.token]
  token   = var.token
  env     = { OPEN = "x", TOKEN = "t-${var.token}" }
  memory  = ephemeralasnull(var.token)

  port "http" {
    number   = length(var.token)
    protocol = upper(var.token)
  }

  dynamic "stop" {
    for_each = [var.token]
    content {
      grace = stop.value
    }
  }
}
