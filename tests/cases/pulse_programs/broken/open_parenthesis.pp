;a Jeener-Broekaert program, from which each broken one is made by one change
#include <Avance.incl>
#include <Delay.incl>

"p3=p1*0.5"
"d11=30m"

1 ze
2 d11
  d1
  (p1 pl1 ph1:f1
  d2
  (p3 pl1 ph2):f1
4 10u
  lo to 4 times l4
  (p3 pl1 ph3):f1
  go=2 ph31
  d11 mc #0 to 2 F0(zd)
exit

ph1=0 1 2 3 2 3 0 1
ph2=1 2 3 0 1 2 3 0
ph3=0 0 0 0 2 2 2 2
ph31=0
