1 ze
2 d1
  p1 ph1
  go=2 ph31
exit
ph1=0 2
ph31=0 2
