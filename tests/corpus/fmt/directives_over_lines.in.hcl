a="%{ for x in [
1,2
] }${x}%{ endfor }"
b=<<E
%{ if f(
x) }
yes
%{ else ~}
no
%{~ endif }
E
c=1
