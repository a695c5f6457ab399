e = (b
  && c ||
!d)
ff = b[
  0
].c
g = [b
.c, d]
hh = 1
