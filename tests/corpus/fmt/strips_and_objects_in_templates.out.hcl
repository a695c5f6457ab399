a = x
b = "a${~x~}b"
c = { a = 1 }
d = [1]
e = "x${ { a = 1 }.a}"
