;a receiver that is opened by hand
#include <Avance.incl>
1 ze
2 d1
  p1 ph1
  ACQ_START(ph30,ph31)
  aq DWELL_GEN:f1 cpd2:f2
  1m do:f2
  rcyc=2
  30m wr #0
exit
ph1=0
ph30=0
ph31=1
