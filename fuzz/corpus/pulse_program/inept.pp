"d4=1s/(cnst2*4)"
"p2=p1*2"
#ifdef LABEL
define delay X
#else
1 ze
#endif
2 d1 do:f2
  (p3 ph1):f2
  d4
  (center (p4 ph1):f2 (p2 ph1) )
  d4
  lo to 2 times 4
  go=2 ph31 cpd2:f2
  wr #0
exit
ph1=(8) 0 2 4
ph31={0 2}*2
