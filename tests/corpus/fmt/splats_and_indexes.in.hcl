a=b [0]
c=b[ "x" ]
d=b[ * ].e
f=b.*.g
h=b[0][1]
i=f(x)[0]
j=[1,2] [0]
k={l=1}["l"]
m=b . c . d
n=a.b[c.d[0]].e
o=b.0.c
p=b[*]
q=(a)[0]
r="x"[0]
s=b[*][0]
t=b.c.*.d[0]
