;pulses at once: aligned, composite, with delays, and those of one line
"p2=p1*2"
"p4=p3*2"
1 ze
2 d1
  (p1 ph1):f1 (p3 ph2):f2
  (center (p1 ph1 p2 ph2 p1 ph1):f1 (p4 ph1):f2 )
  (ralign (p1 ph1 d3):f1 (p4 ph1):f2 )
  (lalign (d3 p1 ph1):f1 (p3 ph2 d3 p3 ph2):f2 )
  (center (p2 ph1) (p4 ph2):f2 (p21 ph1):f3 )
  go=2 ph31
exit
ph1=0
ph2=1
ph31=0
;p1 : [10 us]
;p3 : [15 us]
;p21 : [40 us]
;d3 : [20 us]
;pl1 : [25 kHz]
;pl2 : [16 kHz]
;pl3 : [6 kHz]
