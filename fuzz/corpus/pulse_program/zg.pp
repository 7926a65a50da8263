;zg
#include <Avance.incl>
"d11=30m"
1 ze
2 30m
  d1
  p1 ph1
  go=2 ph31
  30m mc #0 to 2 F0(zd)
exit
ph1=0 2 2 0 1 3 3 1
ph31=0 2 2 0 1 3 3 1
;d1 : 1 s
;p1 : 10 us
