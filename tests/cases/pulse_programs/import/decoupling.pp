;decoupling and continuous waves, alone, beside pulses and during the signal
1 ze
2 d1 cw:f1 ph29
  4u do:f1
  (p1 pl1 ph1):f1
  d2 pl12:f2 cpds2:f2 ph2
  (p1 ph1):f1
  4u do:f2
  go=2 ph31 cpd2:f2
  30m do:f2 mc #0 to 2 F0(zd)
exit
ph1=0 2
ph2=1
ph29=0
ph31=0 2
;p1 : f1 channel - 90 degree pulse [10 us]
;d1 : relaxation delay [1 s]
;d2 : transfer [5 ms]
;pl1 : f1 channel [25 kHz]
;pl12 : f2 channel - decoupling [2.5 kHz]
