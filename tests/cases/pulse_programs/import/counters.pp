;loops that come back to where they were, and loops that do not
"l1=0"
"d10=5u"
"in10=10u"
1 ze
2 d1
3 d2
  (p1 ph1):f1
  lo to 3 times l4
4 d10
  (p1 ph2^):f1
  iu1
  id10
  ip3
  lo to 4 times 3
  (p1 ph3):f1
  if "l1 == 3"
  {
  5m
  }
5 (p1 ph3:r):f1
  d2*2
  lo to 5 times l5
  go=2 ph31
  d11 mc #0 to 2 F1PH(calph(ph1,+90), caldel(d0,+in0))
exit
ph1=0 1
ph2=0 1 2
ph3=(8) 1
ph31=ph1*2 + ph3
;p1 : [10 us]
;pl1 : [25 kHz]
;d2 : [1 ms]
;l4 : [8]
