1 ze
2 d1
  (p1 pl1 ph1):f1
  2u grad { (0) | (0) | (1) }
  go=2 ph31
  d1 mc #0 to 2 F0(zd)
exit
ph1=0
ph31=0
