;what the preprocessor and conditions choose
#include <Avance.incl>
#define TWICE p1 ph1 4u p1 ph1
1 ze
2 d1
  if "d20 < 40m"
  {
  goto HaltAcqu
  }
#ifdef LABEL_CN
  (p3 ph1):f2
#else
  TWICE
#endif
# if defined(LABEL_CN) && !defined(ONE_D)
  (p21 ph1):f3
# endif
  if "l3 % 2 == 1"
  {
  p1 ph1
  }
  else
  {
  d2
  }
  if "l3 > 5" goto 5
  3u
5 go=2 ph31
  30m wr #0
HaltAcqu, 1m
exit
ph1=0
ph31=0
;l3 : counter [3]
;d2 : [2 ms]
;d20 : not given, so what it guards is taken not to hold
