a=<<EOT
x ${
f(
1,2
)
} y ${z}
EOT
bb=1
block {
c=<<-EOT
  %{ for x in y ~}
    ${ x }
  %{ endfor ~}
  EOT
d=f(<<-E
  x ${ y } EOT
  E
, 2)
ee=3
}
