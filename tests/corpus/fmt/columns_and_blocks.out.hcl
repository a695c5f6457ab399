b {
  a    = 1
  bbbb = 2
  c {
    d   = 1
    eee = 2
  }
  f = 3
}
