a = f(g([
  1,
  2,
]))
b = [{
  c  = 1
  dd = 2
  }, {
  e = 3
}]
h = merge({
  i = 1
  }, {
  j = 2
  },
{ k = 3 })
l = [[[
  1
  ]]
, 2]
m = f([for x in y : {
  z = x
}])
