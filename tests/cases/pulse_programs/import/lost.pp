;what is not followed is kept, and said
#include <Avance.incl>
1 ze
2 d1
  p1 ph1
  SPECIAL
  p16:gp1
  2u grad { (0) | (0) | (1) }
  (p2 ph1:r):f1
  2u cpd2:f2
  (p2 ph1):f2
  2u do:f2
  go=2 ph31
  30m wr #0
3 d1
  p1 ph1
  go=3 ph31
exit
ph1=0
ph31=0
