b "x" {
  a = x.y[0]
  c {
    d = a ? b : c
  }
}
