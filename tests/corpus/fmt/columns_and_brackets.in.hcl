a=1
bbb=[
1
]
cc=2
dddd=3

e=4
ffffff=5
# c
g=6
