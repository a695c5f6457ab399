a=1
bcd   =   "x"
e= true

longer_name=null
f   =[1,2,   3]
g={}
h=[ ]
