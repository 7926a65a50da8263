//! Which ensembles are refused, and that a dry run accepts what a run accepts.

use super::{PAIR, compiled, refusal};
use ergoseq::emulator::{Options, dry_run, run};
use ergoseq::hamiltonian::Values;

#[test]
fn what_cannot_be_averaged_is_refused() {
    let text = |ensemble: &str, sequence: &str| {
        format!(
            "{PAIR}ensemble {{ {ensemble} }}\nsequence {{\n prepare thermal\n {sequence}\n}}\nmeasure {{ signal(1H), energy }}\n"
        )
    };
    let d = "param d : gaussian(mean = 10 us, sd = 2 us) points 2";
    let n = "param n : gaussian(mean = 5, sd = 1) points 2";
    for (ensemble, sequence, what) in [
        (d, "acquire 1H points 4 dwell d", "dwell"),
        (n, "acquire 1H points n dwell 2 us", "points"),
        (n, "acquire 1H points 4 dwell 2 us snr = n", "noise"),
        (d, "delay d record 5", "different durations"),
        (n, "delay 2 us record n", "samples"),
        (n, "tomography snr = n", "settings"),
    ] {
        let (code, message) = refusal(&text(ensemble, sequence));
        assert!(code == "E408" && message.contains(what), "{sequence}: {code} {message}");
    }
    // Also where members follow group by group, and where they are followed by random vectors.
    let many = "param d : gaussian(mean = 10 us, sd = 2 us) points 2\n offset 1H : uniform(from = -1 kHz, to = 1 kHz) points 70";
    let signal = |sequence: &str| text(many, sequence).replace("signal(1H), energy", "signal(1H)");
    assert_eq!(refusal(&signal("acquire 1H points 4 dwell d")).0, "E408");
    let experiment = compiled(&text(d, "acquire 1H points 4 dwell d").replace(", energy", ""));
    let vectors = ergoseq::emulator::Typical { vectors: 2, seed: 0 };
    let found = run(&experiment, &Values::new(), &Options { typical: Some(vectors), ..Options::default() }, &[]);
    assert_eq!(found.unwrap_err().code.number(), "E408");
}

#[test]
fn a_rehearsal_accepts_the_grids_that_a_run_accepts() {
    let text = |grid: &str| {
        compiled(&format!(
            "ergoseq 1
system {{
    field 11.7 T
    temperature 300 K
    spin p : 1H
    csa p = 10 ppm
}}
ensemble {{ orientation : {grid} }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 2 dwell 5 us
}}
measure {{ signal(1H) }}\n"
        ))
    };
    let mut accepted = 0;
    let shapes = [("gauss", "azimuths = 5"), ("zcw", ""), ("spiral", ""), ("lebedev", ""), ("repulsion", "")];
    for (shape, settings) in shapes {
        let sizes: Vec<usize> = match shape {
            "lebedev" => vec![6, 14, 26, 38, 50, 86, 110, 146, 170, 194, 302, 434],
            "zcw" => vec![1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144],
            _ => (1..20).chain([37]).collect(),
        };
        for points in sizes {
            let settings = if settings.is_empty() { String::new() } else { format!("({settings})") };
            let experiment = text(&format!("{shape}{settings} points {points}"));
            if run(&experiment, &Values::new(), &Options::default(), &[]).is_ok() {
                accepted += 1;
                if let Err(d) = dry_run(&experiment, &Values::new(), &Options::default()) {
                    panic!("{shape} {points}: {}", d.message);
                }
            }
        }
    }
    assert!(accepted > 60, "{accepted}");
    // A powder that streams through a run does not fit into memory side by side.
    let tight = Options { max_memory: 6e3, ..Options::default() };
    let experiment = text("spiral points 1000");
    run(&experiment, &Values::new(), &tight, &[]).unwrap();
    let found = dry_run(&experiment, &Values::new(), &tight).unwrap();
    assert!(found.remarks.iter().any(|r| r.contains("1000")), "{:?}", found.remarks);
}
