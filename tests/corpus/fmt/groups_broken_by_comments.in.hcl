a=1
bbbb=2
# a comment between
cccccc=3
dd=4
// another
e=5
/* and a third */
ffff=6
