a { b = 1 }
cc { d = f(1, { e = 2 }) }
g "h" {}
i { j = k }       # l
mm { n = [1, 2] } # o
