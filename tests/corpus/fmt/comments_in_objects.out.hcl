a = {
  # one
  b = 1

  # two
  ccc           = 2 // t
  /* three */ d = 3
}
