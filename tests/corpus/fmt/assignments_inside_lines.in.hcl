x { a=1 }
y={a=1,b=2}
zz=f({a=1},{
b=2
})
w=[{a=1,bcd=2},
{a=1}]
v={ a=1
bcd=2 }
