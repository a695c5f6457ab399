# c
a=1
bcd  = 2 # x

block "x" {
e=<<E
  x
E
f=[
1,
2]
}
