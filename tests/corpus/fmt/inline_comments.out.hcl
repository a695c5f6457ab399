a            = /* before */ 1
b            = 1 /* after */
cc           = f(/* x */ 1, /* y */ 2)
/* lead */ d = 1
e            = 1 /* not */ # last
/* over
      two lines */
f = 2
block {
  /* indented
    keeps its lines */
  g = 3
/* end */ }
