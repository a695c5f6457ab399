a  = 1
bb = 2
b {
  c = 3 # x
}
