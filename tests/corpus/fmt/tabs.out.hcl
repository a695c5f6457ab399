a = 1
block "x" {
  bcd = [
    1, 2
  ] # c	
}
