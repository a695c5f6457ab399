short=1
much_longer=2

s=1
longer=2
