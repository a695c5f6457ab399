# x
a=1#c
bb=22//d
/* e */c=3
d=4/* f */
  # g



#h
e=5 /* multi
line */
f=6
