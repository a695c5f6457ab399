a="x${  y  }z"
b="${a}${b}"
c="${a} "
d="%{ if x }yes%{ else }no%{ endif }"
e="%{~ for x in y ~}${ x },%{~ endfor ~}"
f="$${not} %%{this} ${ "nested ${ deeper( 1,2 ) }" }"
g="${ {a=1} }x"
h="a \" b \\ ${ f("\"") }"
i="${~ x ~}y"
j=""
k="100% $ %"
l="x${ f(
1,
2) }y"
