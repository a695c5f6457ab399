a = b
c = f(1, 2)
d = x ? "${y}" : z
e = g
h = (x ?
y : z)
i = (
  x + y
)
j = x
k = x # c
block "y" {
  l = "z"
  m = ["${n}"]
  o = { p = "${q}" }
}
rs = { t = 1, # t
  u = 2       # u
}             # r
v = ([
w])
x = (y) ? {
z = 1 } : (a)
