a=provider::x::f(1)
b=provider :: x :: f(1)
