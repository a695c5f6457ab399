größe=1
名前="値"   # wide
é="👍🏽"  # clusters
x=2  # narrow
