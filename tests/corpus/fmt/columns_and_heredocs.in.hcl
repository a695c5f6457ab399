a=1
bbb=<<E
x
E
cc=2
