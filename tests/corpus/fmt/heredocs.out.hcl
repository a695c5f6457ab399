a   = <<EOT
  verbatim   text
	${x}  and %{if y}z%{endif}
"quotes" # no comment
EOT
bcd = <<-EOT
    indented
      more
    EOT
g = {
  h  = <<EOT
$${x}
  EOT
  i  = 1
  jj = 2
}
k = [<<EOT
x
EOT
  ,
1]
lmn = 1
