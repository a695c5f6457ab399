a = -1
b = -x
c = a - -b
d = [-1, -2]
e = f(-1, -x)
g = !x
h = !(a && b)
i = a != b
