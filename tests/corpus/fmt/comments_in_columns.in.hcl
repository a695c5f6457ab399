a = 1 # x
bbbb = 2 # y
c = [ # z
1, # one
22, # two
] # end
