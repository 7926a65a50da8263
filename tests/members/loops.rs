//! Loops and acquisitions compared with the same statements written out.

use super::{PAIR, ROTOR, apart, compiled, options, refusal, run_at, same, value};
use ergoseq::emulator::{Run, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;

/// Statements that a loop repeats.
const STATEMENTS: &[&str] = &[
    "evolve X(a) + 0.3*X(b) + 0.2*Z(a)*X(b) for 0.4",
    "evolve X(a) + t*X(b) for 0.4",
    "evolve X(a) for 0.4 with damping",
    "evolve X(a) for 0.4\n crush",
    "evolve X(a) for 0.4\n dephase Z(a)",
    "evolve X(a) for 0.4\n dephase Z(a)\n evolve Y(b) + X(a)*X(b) for 0.2",
    "evolve X(a)*X(b) for 0.3\n evolve Y(a) for 0.2",
    "evolve Y(a) for 0.2\n loop 3 { evolve X(a)*X(b) for 0.3 }",
    "loop 0 { evolve X(a) for 1 }\n evolve Y(a) + X(b) for 0.2\n loop 0 { crush }",
    "evolve Y(a) + X(b) for 0",
];

const RATES: &str = "measure { energy, charging_power, power, ergotropy, energy_fisher_information, fisher_power_bound,
    uncertainty_power_bound, mandelstam_tamm_time, margolus_levitin_time, elapsed, expectation(X(a)*Y(b)) }
";

fn natural(sequence: &str) -> Experiment {
    compiled(&natural_text(sequence))
}

fn natural_text(sequence: &str) -> String {
    format!(
        "ergoseq 1
units natural
system {{ spin a, b : 1/2 }}
hamiltonian H = Z(a)*Z(b) + 0.3*Z(a) + 0.1*Y(b)
noise damping {{ collapse 0.3*Z(a) }}
battery {{ energy = H }}
sequence {{
    prepare gibbs(H + 0.4*X(a), 1)
    {sequence}
    mark m
}}
{RATES}"
    )
}

fn same_at_mark(a: &Run, b: &Run, what: &str) {
    let (a, b) = (a.marks.iter().find(|m| m.name == "m").unwrap(), b.marks.iter().find(|m| m.name == "m").unwrap());
    for ((key, x), (_, y)) in a.values.iter().zip(&b.values) {
        // Powers of propagators and steps one by one differ by rounding, the angle between near states by the root of it.
        let tolerance = if key.ends_with("_time") { 1e-6 } else { 1e-8 };
        assert!(same(*x, *y, tolerance, 1e-3), "{what}, {key}: {x:?} and {y:?}");
    }
}

/// Statements with a counter `K`, in every place that takes a number.
const COUNTED: &[&str] = &[
    "evolve K*X(a) + X(b) for 0.1",
    "evolve X(a) + t*K*X(b) for 0.1*K",
    "evolve X(a) for 0.1*K with damping",
    "evolve sum(i in 1..K, X(a)/i) + X(b) for 0.3",
    "evolve X(a) + X(b) for 0.3\n crush keep K - 1, 1",
    "evolve X(a) for 0.4\n dephase Z(a) + (K - 2)*X(b)",
    "loop K { evolve X(a)*X(b) + 0.2*Y(a) for 0.3 }",
    "loop inner in K..3 { evolve inner*X(a) + K*Y(b) for 0.1 }",
    "turn(K, 2*K)",
];

#[test]
fn a_counter_is_its_values_written_out() {
    let turn = "define turn(angle, more) { evolve angle*X(a) + more*Y(b) for 0.1 }\nsequence";
    let program = |sequence: &str| {
        let text = natural_text(sequence).replace("sequence", turn);
        run_at(&compiled(&text), &[])
    };
    for x in COUNTED {
        for (from, to) in [(1, 3), (2, 2), (0, 2), (3, 2)] {
            let (from, to): (i64, i64) = if x.contains("crush") { (from.max(1), to) } else { (from, to) };
            let counted = program(&format!("loop k in {from}..{to} {{ {} }}", x.replace('K', "k")));
            let written: Vec<String> = (from..=to).map(|k| x.replace('K', &format!("({k})"))).collect();
            same_at_mark(&counted, &program(&written.join("\n    ")), &format!("{x}, {from}..{to}"));
        }
    }
}

#[test]
fn counters_nest_and_their_bounds_are_expressions() {
    let program = |sequence: &str| run_at(&compiled(&natural_text(sequence)), &[]);
    let triangle = "loop i in 1..2 { loop k in i + 1 .. 3 { evolve i*X(a) + k*Y(b) for 0.1*(k - i) } }";
    let pairs = [(1, 2), (1, 3), (2, 3)].map(|(i, k)| format!("evolve {i}*X(a) + {k}*Y(b) for 0.1*({k} - {i})"));
    same_at_mark(&program(triangle), &program(&pairs.join("\n    ")), "a triangle");
    let again = "loop 3 { loop k in 1..2 { evolve k*X(a) + Z(a)*Y(b) for 0.1 } }";
    let twice = ["evolve X(a) + Z(a)*Y(b) for 0.1", "evolve 2*X(a) + Z(a)*Y(b) for 0.1"].join("\n    ");
    same_at_mark(&program(again), &program(&[twice.as_str(); 3].join("\n    ")), "inside of a loop");
}

/// A bound given by a parameter is swept like any other.
#[test]
fn the_bounds_of_a_counter_may_be_swept() {
    let swept = natural_text("loop k in 1..n { evolve k*X(a) + Y(b) for 0.1 }");
    let swept = compiled(&swept.replace("units natural", "units natural\nparam n = 3"));
    for n in 0..4 {
        let written: Vec<String> = (1..=n).map(|k| format!("evolve {k}*X(a) + Y(b) for 0.1")).collect();
        let written = compiled(&natural_text(&written.join("\n    ")));
        same_at_mark(&run_at(&swept, &[("n", f64::from(n))]), &run_at(&written, &[]), &format!("n = {n}"));
    }
}

#[test]
fn a_loop_is_what_it_repeats_written_out() {
    for x in STATEMENTS {
        let plain = |times: usize| run_at(&natural(&vec![*x; times].join("\n    ")), &[]);
        let looped = |text: String| run_at(&natural(&text), &[]);
        same_at_mark(&looped(format!("loop 1 {{ {x} }}")), &plain(1), x);
        same_at_mark(&looped(format!("loop 2 {{ {x} }}")), &plain(2), x);
        same_at_mark(&looped(format!("loop 5 {{ {x} }}")), &plain(5), x);
        same_at_mark(&looped(format!("loop 2 {{ loop 2 {{ {x} }} }}")), &plain(4), x);
        same_at_mark(&looped(format!("{x}\n loop 0 {{ {x} }}")), &plain(1), x);
    }
}

#[test]
fn rates_behind_a_loop_are_those_of_the_last_statement() {
    let plain = run_at(&natural("evolve X(a) + 0.3*X(b) for 0.4"), &[]);
    assert!(value(&plain, "m", "charging_power").unwrap().abs() > 0.1, "the rate to compare with is none");
    for behind in ["pulse", "crush", "dephase Z(a)"] {
        let behind = if behind == "pulse" { continue } else { behind };
        // What takes no time ends the action of the Hamiltonian, inside of a loop as outside.
        let run = run_at(&natural(&format!("loop 3 {{ evolve X(a) for 0.4\n {behind} }}")), &[]);
        assert_eq!(value(&run, "m", "charging_power"), Some(0.0), "{behind}");
    }
    let pulse = |sequence: &str| {
        let text = format!(
            "{PAIR}sequence {{\n prepare thermal\n pulse 1H 50 deg phase y ideal\n {sequence}\n mark m\n}}\nmeasure {{ charging_power }}\n"
        );
        value(&run_at(&compiled(&text), &[]), "m", "charging_power").unwrap()
    };
    assert_eq!(pulse("loop 2 { delay 3 us\n pulse 1H 40 deg phase x ideal }"), 0.0);
    // A pulse with a transient at its end acts until its end.
    assert!(pulse("pulse 1H 40 deg phase x").abs() > 0.0);
    assert_eq!(pulse("loop 1 { pulse 1H 40 deg phase x }"), pulse("pulse 1H 40 deg phase x"));
    // A mark, a tomography or an empty loop between leaves what acted.
    assert_eq!(pulse("delay 3 us\n mark first\n loop 0 { crush }"), pulse("delay 3 us"));
}

#[test]
fn an_acquisition_leaves_what_a_delay_leaves() {
    for (system, relax) in [(PAIR, ""), (PAIR, "    relax h, c { T1 = 1 ms, T2 = 0.2 ms }\n}\nchannel 1H"), (ROTOR, "")]
    {
        let system = if relax.is_empty() { system.to_string() } else { system.replacen("}\nchannel 1H", relax, 1) };
        let text = |statement: &str| {
            let measure = "measure { energy, charging_power, power, energy_fisher_information, elapsed }";
            let sequence = "sequence {\n prepare thermal\n pulse 1H 50 deg phase y ideal\n pulse 1H 20 deg phase x";
            compiled(&format!("{system}{sequence}\n {statement}\n mark m\n}}\n{measure}\n"))
        };
        let (acquired, waited) =
            (run_at(&text("acquire 1H points 9 dwell 3 us"), &[]), run_at(&text("delay 27 us"), &[]));
        assert!(value(&waited, "m", "charging_power").unwrap() != 0.0);
        for ((key, a), (_, b)) in acquired.marks[0].values.iter().zip(&waited.marks[0].values) {
            // In a rotor both are integrated with a tolerance of 1e-7.
            assert!(same(*a, *b, 1e-5, 0.0), "{key}: {a:?} and {b:?}");
        }
        let off = apart(acquired.marks[0].state.as_ref().unwrap(), waited.marks[0].state.as_ref().unwrap());
        assert!(off < 1e-6, "states are apart by {off}");
    }
}

#[test]
fn what_is_taken_once_stands_outside_of_loops() {
    let text = |sequence: &str| {
        format!(
            "{PAIR}define read() {{ acquire 1H points 4 dwell 1 us }}\ndefine twice() {{ loop 2 {{ read() }} }}
sequence {{\n prepare thermal\n {sequence}\n}}\nmeasure {{ signal(1H) }}\n"
        )
    };
    for sequence in [
        "loop 1 { acquire 1H points 2 dwell 1 us }",
        "loop 16 { delay 2 us\n acquire 1H points 1 dwell 1 us }",
        "loop n { read() }",
        "twice()",
        "loop 2 { loop 2 { delay 1 us\n read() } }",
        "loop 2 { mark again }",
        "loop 2 { delay 1 us record 3 }",
    ] {
        assert_eq!(refusal(&text(sequence)).0, "E410", "{sequence}");
    }
    // An experiment that no check has seen is refused too.
    let mut experiment = compiled(&text("loop 2 { delay 1 us }\n acquire 1H points 2 dwell 1 us"));
    let acquire = experiment.sequence.pop().unwrap();
    if let Some(ergoseq::ir::EventKind::Loop { body, .. }) = experiment.sequence.last_mut().map(|e| &mut e.kind) {
        body.push(acquire);
    }
    assert_eq!(run(&experiment, &Values::new(), &options(), &[]).unwrap_err().code.number(), "E410");
}
