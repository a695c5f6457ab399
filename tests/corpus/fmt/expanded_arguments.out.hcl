a = f(x...)
b = f(x...)
c = f(
  x,
  y...
)
