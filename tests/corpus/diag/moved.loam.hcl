moved {
  from = "machine.a"
  to   = machine.b
}

moved {
  from = machine.a
}

moved {
  from = machine.a
  to   = module.site
}

moved {
  from = data.http.a
  to   = data.http.b
}

moved {
  from = machine.a[var.size]
  to   = machine.b["x"].command
}

moved "label" {
  form = machine
  to   = module.site[0].machine
}

moved {
  from = 1 + 1
  to   = module[0].machine.a
}
