a = [ # open
  1,  # one
  22, # two
  # alone
  333
  # last
]
b = f( # call
  x,   // y
  /* z */
)
c = {
  # first
  d = 1

  # second
  eee = 2 # trailing
}
