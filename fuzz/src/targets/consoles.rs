//! Programs of other software: pulse programs of consoles, and input files of SIMPSON. What is imported is a program.

use super::EDGES;
use ergoseq::diagnostic::Diagnostic;
use ergoseq::import::parameters::Parameters;
use ergoseq::import::{import, simpson as other};
use ergoseq::{pulse_program as console, syntax};

pub fn pulse_program_words() -> Vec<&'static str> {
    let mut out = vec![
        "1 ze\n",
        "2 d1\n",
        "p1 ph1\n",
        "p1:sp1 ph1:f1\n",
        "(p1 ph1):f1 (p2 ph2):f2\n",
        "(center ",
        "(lalign ",
        "go=2 ph31\n",
        "lo to 2 times 4\n",
        "lo to 2 times l1\n",
        "wr #0\n",
        "exit\n",
        "ph1=0 2 1 3\n",
        "ph1=(8) 0 1 2\n",
        "ph31=ph1*2+ph2\n",
        "{0}*4",
        "^2",
        "\"d2=1s/(cnst2*4)\"\n",
        "define list<delay> L = {1m 2m}\n",
        "define delay D\n",
        "define pulse P\n",
        "#include <Avance.incl>\n",
        "#ifdef X\n",
        "#else\n",
        "#endif\n",
        "# if (1)\n",
        "goto 2\n",
        "if \"l1 == 1\" goto 2\n",
        "cpd2:f2\n",
        "do:f2\n",
        "pl1:f1\n",
        "fq=cnst1:f1\n",
        "10u",
        "1m",
        "1s",
        ";",
        "baseopt_echo\n",
        "acqt0=0\n",
        "aq",
        "$d1",
        "ip1*2\n",
        "dp1\n",
        "rp1\n",
        "zd\n",
        "mc #0 to 2\n",
        "gosc ph31\n",
        "5000",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "*",
        "/",
        "\n",
        " ",
    ];
    out.extend(EDGES);
    out
}

/// The program that an import writes has no mistakes of syntax.
fn sound(text: &str) {
    let (_, diagnostics) = syntax::parse(text, 0);
    let wrong = diagnostics.iter().find(|d| d.is_error());
    assert!(wrong.is_none(), "an imported program with a mistake: {wrong:?}\n{text}");
}

/// Reads and imports a pulse program.
pub fn pulse_program(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (_, diagnostics) = console::read(text, 0);
    let inside = |d: &Diagnostic| d.span.is_none_or(|s| s.start <= s.end && s.end as usize <= text.len());
    assert!(diagnostics.iter().all(inside), "a message about a place behind the end");
    if let Ok(imported) = import("fuzz.pp", text, 0, &Parameters::default()) {
        sound(&imported.text);
    }
}

pub fn simpson_words() -> Vec<&'static str> {
    let mut out = vec![
        "spinsys {\n",
        "channels 1H 13C\n",
        "nuclei 1H 13C\n",
        "dipole 1 2 -1000 0 0 0\n",
        "shift 1 1p 2p 0.5 0 0 0\n",
        "jcoupling 1 2 100 0 0 0 0 0\n",
        "quadrupole 1 2 1e6 0.1 0 0 0\n",
        "par {\n",
        "proton_frequency 400e6\n",
        "start_operator I1z\n",
        "detect_operator I1p\n",
        "np 16\n",
        "sw 1000\n",
        "spin_rate 1000\n",
        "crystal_file rep10\n",
        "gamma_angles 4\n",
        "method direct\n",
        "variable x 3\n",
        "proc pulseq {} {\n",
        "global par\n",
        "acq_block {\n",
        "acq $par(np) 1\n",
        "delay 100\n",
        "pulse 5 50000 x 0 y\n",
        "pulseid 5 50000 x\n",
        "store 1\n",
        "prop 1 4\n",
        "reset\n",
        "maxdt 1\n",
        "turnoff dipole_1_2\n",
        "filter 1\n",
        "offset 100\n",
        "proc main {} {\n",
        "set f [fsimpson]\n",
        "fsave $f a.fid\n",
        "for {set i 0} {$i < 4} {incr i} {\n",
        "while {1} {\n",
        "foreach x {1 2 3} {\n",
        "if {$x == 1} {\n",
        "} else {\n",
        "expr {",
        "[expr 1/0]",
        "[lindex $x 0]",
        "eval ",
        "set x $x$x\n",
        "puts ",
        "}\n",
        "{",
        "}",
        "[",
        "]",
        "$",
        "\"",
        "\\\n",
        ";",
        "\n",
        " ",
        "#",
    ];
    out.extend(EDGES);
    out
}

/// Reads and imports an input file, which is a program in Tcl.
pub fn simpson(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(imported) = other::import("fuzz.in", text, 0, &|_| Some("2\n0 0 0.5\n90 45 0.5\n".into())) {
        sound(&imported.text);
    }
}
