a = [for x in y : x]
b = [for i, x in y : upper(x) if x != ""]
c = { for k, v in m : k => v }
d = { for k, v in m : k => v... if v > -1 }
e = [for x in [1, 2] : x]
f = [for x in { a = 1 } : x]
g = [
  for x in y :
  x
  if x
]
h = {
  for k, v in m :
  upper(k) => {
    a  = v
    bb = k
  }
  if k != ""
}
i = [for x in(y) : x]
j = [for x in "${z}" : x]
