a = x.0.y
b = x.0
