a   = 1       # one
bcd = 22      # two
ef  = "three" //three
# alone
gg = [1, 2, 3] # list
h = {          # opened here
  i    = 1     # inside
  jjjj = 2     # inside too
}              # closed
k = 1

l = 1 # after a blank line
