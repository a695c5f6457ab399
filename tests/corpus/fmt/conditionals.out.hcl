a = b ? c : d
e = f == 1 ? "x" : g != 2 ? "y" : "z"
h = (
  i
  ? j
  : k
)
l = f(m ?
  n :
o)
p = q && r || !s ? -1 : -2
