;decoupling that is on during loops, gradients and pulses of other channels, and of two channels that overlap
1 ze
2 d1 do:f2
  (p1 pl1 ph1):f1
  d2 pl12:f2 cpd2:f2
3 d3
  (p2 ph1):f1
  d3
  lo to 3 times l4
  p16:gp1
  d2 pl13:f3 cpds3:f3
  (p2 ph1):f1
  d2 do:f2
  d3
  d2 do:f3
4 d3 cpds4:f2
  (p1 ph2):f1
  d3 do:f2
  d4
  lo to 4 times 2
  d2 cpd5:f2
5 d3
  d4 do:f2
  (p2 ph1):f1
  d4 cpd5:f2
  lo to 5 times 3
  d4 do:f2
  d2 cpd6:f2
  d4 do:f2
  go=2 ph31 cpd2:f2
  d11 do:f2 mc #0 to 2 F0(zd)
exit
ph1=0
ph2=1
ph31=0
