//! The checker of pulse programs.

use super::root;
use ergoseq::pulse_program::read;
use ergoseq::pulse_program::tree::ItemKind;
use ergoseq::source::Sources;

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join("tests/cases/pulse_programs").join(path)).unwrap()
}

/// Every broken program, the line of its mistake, and a word of the message.
const BROKEN: &[(&str, usize, &str)] = &[
    ("misspelled_go", 17, "did you mean `go`?"),
    ("misspelled_times", 15, "expected `times`"),
    ("open_relation", 5, "unterminated relation"),
    ("undefined_label", 15, "unknown label `5`"),
    ("letter_among_phases", 24, "`z` is not a phase"),
    ("unknown_pulse", 11, "pulses are `p1`"),
    ("open_parenthesis", 11, "unclosed parenthesis"),
    ("undefined_phase", 16, "`ph5` has no list of phases"),
    ("phases_before_exit", 8, "defined before `exit`"),
    ("comma_behind_delay", 12, "a comma is allowed only after a label"),
    ("negative_delay", 12, "a delay cannot be negative"),
];

#[test]
fn broken_programs_are_refused_at_their_line() {
    let folder = root().join("tests/cases/pulse_programs/broken");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), BROKEN.len());
    assert_eq!(read(&text("sound.pp"), 0).1, vec![], "without a change it is sound");
    for (name, line, word) in BROKEN {
        let text = text(&format!("broken/{name}.pp"));
        let mut sources = Sources::default();
        let file = sources.add(*name, text.clone());
        let (_, said) = read(&text, file);
        let [one] = said.as_slice() else { panic!("{name}: {said:?}") };
        assert_eq!(sources.line_and_column(one.span.unwrap()).0, *line, "{name}");
        let shown = one.render(&sources, false);
        assert!(shown.contains(word), "{name}: {shown}");
        assert!(one.is_error() && !one.help.is_empty(), "{name}");
    }
}

/// Constructs of public programs, each of which is sound.
#[test]
fn the_language_is_known() {
    let program = "#include <Avance.incl>\n#include <Grad.incl>\n#define DEC\nprosol relations=<triple>\n\
        define delay TAU\ndefine list<gradient> EA=<EA>\ndefine list<loopcounter> ncyc={0 10 1}\n\
        \"TAU=1s/(cnst2*4)-p16-larger(p2,p4)\"\n\"d0=3u\"\n\"l3=td1/2\"\naqseq 321\n\
        1 ze\n2 30m do:f2\n  d1 pl1:f1 pl2:f2 cw:f3 ph29\n  if \"l2 == 1\" goto 9\n  50u UNBLKGRAD fq=cnst20 (bf ppm):f1\n\
        9 (p1 ph1):f1 (p3*2 ph0 3u p3 ph0):f2\n#ifdef DEC\n  p16:gp1*EA*-1\n#else\n  5u\n#endif /*DEC*/\n  d16\n\
        4 (center (p2 ph2) (p4:sp4(currentpower) ph3:r):f2 )\n  d0*0.5 gron1\n  5u groff\n  lo to 4 times ncyc\n  4u BLKGRAD\n\
        HERE, vd\n  go=2 ph31 cpd2:f2 finally do:f2\n  30m do:f2 wr #0 if #0 ivd igrad EA ip1*2 ncyc.inc\n  lo to HERE times l3\n\
        30m mc #0 to 2\n     F1QF(calclist(ncyc, 1) & calph(ph1, +90))\nexit\n\
        ph0=0\nph1=(6) 0 1 2\n  3 4 5\nph2={{0 2}*2}^1\nph3=(float, 90.0) 12.5 45.25\nph29=0\nph31=ph1*2+ph2\n";
    let (read_program, said) = read(program, 0);
    assert_eq!(said, vec![]);
    let degrees = |number| read_program.phases.iter().find(|p| p.number == number).unwrap().degrees.clone();
    assert_eq!(degrees(1).unwrap(), [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]);
    assert_eq!(degrees(2).unwrap(), [0.0, 180.0, 0.0, 180.0, 90.0, 270.0, 90.0, 270.0]);
    assert_eq!(degrees(3).unwrap(), [12.5, 45.25]);
    // 2 ph1 + ph2, as long as both: 0 + 0, 120 + 180, 240 + 0, 360 + 180, ...
    let sum = degrees(31).unwrap();
    assert_eq!((sum.len(), &sum[..4]), (24, [0.0, 300.0, 240.0, 180.0].as_slice()));
    let loops = read_program.statements.iter().flat_map(|s| &s.items);
    let labels: Vec<_> = loops
        .filter_map(|i| if let ItemKind::Loop { to, .. } = &i.kind { Some(to.0.as_str()) } else { None })
        .collect();
    assert_eq!(labels, ["4", "HERE"]);
}

/// Any text is read to its end: no text makes the reader fail.
#[test]
fn damaged_programs_are_read_to_their_end() {
    let sound = text("sound.pp");
    for cut in 0..sound.len() {
        let _ = read(&sound[..cut], 0);
        for sign in ["(", ")", "\"", ":", "=", "-", ",", "{", "#", "ü"] {
            let _ = read(&format!("{}{sign}{}", &sound[..cut], &sound[cut..]), 0);
        }
    }
}

/// Brackets that stand in each other a hundred thousand times are refused at their place, or their line is not read.
#[test]
fn deep_programs_are_read_to_their_end() {
    let many = |s: &str| s.repeat(100_000);
    for text in [
        format!("1 ze\n{}p1 ph1{}\nexit\nph1=0\n", many("("), many(")")),
        format!("1 ze\n p1 ph1\nexit\nph1={}0{}\n", many("{"), many("}")),
        format!("1 ze\n d1{}\nexit\n", many("*2")),
        format!("1 ze\n {}d1\nexit\n", many("-")),
        format!("#define A A B\n#define B {}\n1 ze\n A\nexit\n", "A B ".repeat(1000)),
    ] {
        let _ = read(&text, 0);
    }
}
