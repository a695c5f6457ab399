b = {
  x : 1
  longer = 2
}
