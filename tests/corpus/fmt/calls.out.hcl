a = f()
b = f(1, 2, "x")
c = f(g(h(1), 2), [3], { i = 4 })
d = f(
  1,
  g(
    2,
    3,
  ),
)
e  = f(list...)
e2 = f(1, list...)
h  = provider::local::thing(1)
i = f(1,
2)
j = f(
  {
    k = 1
  }
)
