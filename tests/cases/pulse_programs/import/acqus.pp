;numbers of a data set: powers by channel, frequencies, shapes, gradients, lists
define list<delay> wait=<$VDLIST>
define list<gradient> EA={1.0 -1.0}
"p2=p1*2"
"spoff1=cnst21-o1"
"plw10=plw2*pow(p3/p30,2)"
"if (l0 == 1) { d5=1m; } else { d5=larger(p1,3u); }"
1 ze
2 d1
  30u fq=cnst20(bf ppm):f1
  (p1 pl1 ph1):f1
  30u fq=0:f1
  (p11:sp1 ph1):f1
  (p30 pl10 ph1):f2
  wait
  p16:gp1*EA
  d5 gron2*-0.5
  groff
  igrad EA
  p16:gp1*EA
  (p2 pl1 ph1):f1
  go=2 ph31 cpd2:f2
  30m do:f2 mc #0 to 2 F1QF(calclist(wait,1))
exit
ph1=0
ph31=0
