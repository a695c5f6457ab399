a = f(<<EOT
x
EOT
, 1)
b = [<<A
x
A
  , <<B
y
B
]
