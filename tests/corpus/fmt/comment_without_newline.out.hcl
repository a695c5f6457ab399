a   = 1
bcd = 2 # the end  