a = 1
bbbb = {
  x    = 1
  yyyy = 2
}
cc = 3
dddddd = [
  1, 2,
3]
e = 4
f = call(
  1,
  2
)
ggg = 5
