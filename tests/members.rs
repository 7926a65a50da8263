//! Ensembles beside single runs, loops beside what they repeat, and the speed limits of single statements.
//!
//! A Gaussian spread of two points has the nodes `mean - sd` and `mean + sd`, of weight 1/2 each: an ensemble over it is the mean of
//! two runs in which the parameter has these values.

use ergoseq::emulator::{Options, Run, dry_run, run};
use ergoseq::hamiltonian::Values;
use ergoseq::ir::Experiment;
use ergoseq::metrics::METRICS;
use std::path::Path;

/// States of all marks are kept.
fn options() -> Options {
    Options { states: 64, ..Options::default() }
}

fn compiled(text: &str) -> Experiment {
    ergoseq::compile("test.seq", text, &mut ergoseq::no_files)
        .unwrap_or_else(|r| panic!("{}\n{text}", r.render()))
        .experiment
}

fn run_at(experiment: &Experiment, settings: &[(&str, f64)]) -> Run {
    let values: Values = settings.iter().map(|(name, x)| (name.to_string(), *x)).collect();
    run(experiment, &values, &options(), &[]).unwrap_or_else(|d| panic!("{}: {}", d.code.number(), d.message))
}

fn refusal(text: &str) -> (String, String) {
    match ergoseq::compile("test.seq", text, &mut ergoseq::no_files) {
        Err(refused) => {
            let first = refused.diagnostics.iter().find(|d| d.is_error()).unwrap();
            (first.code.number().to_string(), first.message.clone())
        }
        Ok(compiled) => match run(&compiled.experiment, &Values::new(), &options(), &[]) {
            Err(d) => (d.code.number().to_string(), d.message.clone()),
            Ok(_) => panic!("it ran:\n{text}"),
        },
    }
}

fn value(run: &Run, mark: &str, key: &str) -> Option<f64> {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap_or_else(|| panic!("no mark {mark}"));
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("no value {key}")).1
}

/// Two values that are the same but for rounding and the tolerance of the adaptive methods (1e-7 on the state): the difference is taken
/// beside the larger of the two and of what is told by `scale`.
fn same(a: Option<f64>, b: Option<f64>, tolerance: f64, scale: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(scale),
        (a, b) => a == b,
    }
}

/// The largest difference between the deviations of two states from the maximally mixed state, beside the size of these.
fn apart(a: &ergoseq::linalg::Matrix, b: &ergoseq::linalg::Matrix) -> f64 {
    let n = a.nrows() as f64;
    let mut size = 0.0f64;
    for i in 0..a.nrows() {
        for j in 0..a.ncols() {
            let even = if i == j { 1.0 / n } else { 0.0 };
            size = size.max((a[(i, j)] - even).norm());
        }
    }
    (a - b).iter().map(|x| x.norm()).fold(0.0, f64::max) / size
}

// At 20 mK the polarisations are some tenths, so that entropies and angles keep their digits.
const PAIR: &str = "ergoseq 1
param d = 10 us, n = 4
system {
    field 11.7 T
    temperature 20 mK
    spin h : 1H
    spin c : 13C
    j h c = 12 kHz
    shift h = 7 ppm
}
channel 1H { rf = 25 kHz, leading_transient = 0.1 us, trailing_transient = 0.2 us }
channel 13C { rf = 25 kHz }
battery { energy = 50 kHz * Ix(h) + 30 kHz * Iz(c) + 20 kHz * Iz(h)*Iz(c) }
";

const ROTOR: &str = "ergoseq 1
param d = 10 us, n = 4
system {
    field 11.7 T
    temperature 20 mK
    spin h, c : 1H
    dipolar h c = -30 kHz along (0, 0, 1)
    shift h = 7 ppm
    orientation (0 deg, 40 deg, 0 deg)
    spinning 10 kHz
}
channel 1H { rf = 25 kHz }
battery { energy = 50 kHz * Ix(h) + 30 kHz * Iz(c) + 20 kHz * Iz(h)*Iz(c) }
";

/// Sequences in which `d` (mean 10 us, sd 2 us) or `n` (mean 5, sd 1) decides what members do between their meeting points.
const BODIES: &[(&str, &str, &str)] = &[
    (
        "parallel",
        PAIR,
        "parallel { pulse 1H phase x rf = 25 kHz duration = 10 us
        pulse 13C phase x rf = 25 kHz duration = d }
    pulse 1H 90 deg phase x ideal",
    ),
    (
        "parallel, from the centre",
        PAIR,
        "parallel align centre { pulse 1H phase x rf = 25 kHz duration = 9 us
        pulse 13C phase y rf = 25 kHz duration = d }",
    ),
    (
        "parallel, to the end",
        PAIR,
        "parallel align end { pulse 1H phase x rf = 25 kHz duration = 12 us
        pulse 13C phase y rf = 25 kHz duration = d }
    pulse 13C 70 deg phase x ideal",
    ),
    (
        "delay",
        PAIR,
        "pulse 1H 90 deg phase y ideal
    delay d",
    ),
    (
        "finite pulse",
        PAIR,
        "pulse 1H phase y rf = 25 kHz duration = d
    delay 3 us",
    ),
    (
        "phase",
        PAIR,
        "pulse 1H 50 deg phase (d/(1 us) * 1 rad)
    delay 3 us",
    ),
    (
        "lock",
        PAIR,
        "pulse 1H 90 deg phase y ideal
    lock 1H phase x from 20 kHz to 3 kHz over d shape linear",
    ),
    (
        "crush",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    delay d
    crush
    pulse 13C 40 deg phase x ideal",
    ),
    (
        "dephase",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    delay d
    dephase scalar",
    ),
    (
        "loop of a spread length",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    loop 3 { delay d
        pulse 1H 40 deg phase x ideal }
    delay 1 us",
    ),
    (
        "loop of a spread count",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    loop n { delay 3 us
        pulse 1H 40 deg phase x }
    delay 1 us",
    ),
    (
        "loop that some members leave out",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    loop n - 4 { loop 2 { delay 3 us
        pulse 1H 40 deg phase x ideal }
        delay d }",
    ),
    (
        "recorded behind a spread delay",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    delay d
    delay 20 us record 5 as curve",
    ),
    (
        "acquired behind a spread delay",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    delay d
    acquire 1H points 6 dwell 3 us
    pulse 1H 40 deg phase x ideal",
    ),
    (
        "two marks",
        PAIR,
        "pulse 1H 50 deg phase y ideal
    parallel { pulse 1H phase x rf = 25 kHz duration = 10 us
        pulse 13C phase x rf = 25 kHz duration = d }
    mark early
    loop n { delay d }
    pulse 13C 90 deg phase x ideal
    mark late
    acquire 1H points 4 dwell 2 us
    delay d",
    ),
    (
        "rotor",
        ROTOR,
        "pulse 1H 90 deg phase y ideal
    loop 3 { delay d
        pulse 1H 10 deg phase x ideal }
    pulse 1H 90 deg phase x ideal",
    ),
    // Of 12 us a body of 100 us / 12 is none; of 8 us twelve and a half: for one member the loop stays a loop, for the other it is written out.
    (
        "rotor, in step for one member",
        ROTOR,
        "pulse 1H 90 deg phase y ideal
    loop 3 { delay 100 us - 8 us + d
        pulse 1H 10 deg phase x ideal }
    acquire 1H points 5 dwell 7 us
    pulse 1H 90 deg phase x
    delay d",
    ),
    (
        "rotor, nested",
        ROTOR,
        "pulse 1H 90 deg phase y ideal
    loop 2 { loop 2 { delay d
        pulse 1H 30 deg phase x }
        delay 4 us }
    delay 30 us record 4 as curve",
    ),
];

/// Metrics without arguments, and some with.
fn metrics() -> Vec<String> {
    let fixed = METRICS.iter().filter(|m| {
        // Searches over unitaries and measurements that take long, and no number of one state.
        !["parallel_ergotropy", "signal", "signal_im"].contains(&m.name)
            && m.parameters.iter().all(|p| format!("{p:?}").starts_with("Optional"))
    });
    let more =
        ["coherence_order(1)", "population(1)", "expectation(Iy(h))", "order(scalar_like)", "mutual_information(h, c)"];
    let name = |m: &&str| m.replace("scalar_like", "Iz(h)*Iz(c)");
    fixed.map(|m| m.name.to_string()).chain(more.iter().map(name)).collect()
}

fn ensembles() -> impl Iterator<Item = (&'static str, &'static str, [f64; 2], String, String)> {
    let spread_of = |body: &str| if body.contains("loop n") { ("n", [4.0, 6.0]) } else { ("d", [8e-6, 12e-6]) };
    BODIES.iter().map(move |(name, system, body)| {
        let (param, nodes) = spread_of(body);
        let spread = match param {
            "n" => "ensemble { param n : gaussian(mean = 5, sd = 1) points 2 }",
            _ => "ensemble { param d : gaussian(mean = 10 us, sd = 2 us) points 2 }",
        };
        let sequence = format!("sequence {{\n    prepare thermal\n    {body}\n    mark m\n}}\n");
        (*name, param, nodes, format!("{system}{sequence}"), format!("{system}{spread}\n{sequence}"))
    })
}

#[test]
fn the_state_of_an_ensemble_is_the_mean_of_single_runs() {
    for (name, param, nodes, single, ensemble) in ensembles() {
        let measure = "measure { energy, charging_power, elapsed, signal(1H), expectation(Iz(h)) }\n";
        let single = compiled(&format!("{single}{measure}"));
        let all = run_at(&compiled(&format!("{ensemble}{measure}")), &[]);
        let each = nodes.map(|x| run_at(&single, &[(param, x)]));
        assert_eq!(all.how.members, 2);
        for (k, mark) in all.marks.iter().enumerate() {
            let states = each.each_ref().map(|r| r.marks[k].state.clone().unwrap());
            let mean = (&states[0] + &states[1]).map(|x| x * 0.5);
            // Adaptive steps have a tolerance of 1e-7; the members go the same steps alone and together, so rounding is left.
            let off = apart(&mean, mark.state.as_ref().unwrap());
            assert!(off < 1e-9, "{name}, {}: states are apart by {off}", mark.name);
            for key in ["energy", "charging_power", "expectation(Iz(h))"] {
                let own = each.each_ref().map(|r| r.marks[k].values.iter().find(|(x, _)| x == key).unwrap().1.unwrap());
                let (mean, found) = (0.5 * (own[0] + own[1]), mark.values.iter().find(|(x, _)| x == key).unwrap().1);
                let scale = own[0].abs().max(own[1].abs());
                assert!(same(found, Some(mean), 1e-8, scale), "{name}, {}, {key}: {found:?}, not {mean}", mark.name);
            }
            assert!((mark.time - 0.5 * (each[0].marks[k].time + each[1].marks[k].time)).abs() < 1e-15, "{name}");
        }
        for (k, trace) in all.traces.iter().enumerate() {
            for (c, (key, curve)) in trace.values.iter().enumerate().filter(|(_, (key, _))| key != "elapsed") {
                let own = |r: &Run, j: usize| r.traces[k].values[c].1[j].unwrap();
                let scale = (0..curve.len()).map(|j| own(&each[0], j).abs()).fold(0.0, f64::max);
                for (j, found) in curve.iter().enumerate() {
                    let mean = 0.5 * (own(&each[0], j) + own(&each[1], j));
                    assert!(
                        same(*found, Some(mean), 1e-8, scale),
                        "{name}, {key} of {}: {found:?}, not {mean}",
                        trace.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_member_mean_is_the_mean_of_single_runs() {
    let metrics = metrics();
    let plain = format!("measure {{ {} }}\n", metrics.join(", "));
    let averaged: Vec<String> = metrics.iter().map(|m| format!("member_mean({m})")).collect();
    let averaged = format!("measure {{ {} }}\n", averaged.join(", "));
    let mut compared = 0;
    for (name, param, nodes, single, ensemble) in ensembles() {
        let single = compiled(&format!("{single}{plain}"));
        let all = run_at(&compiled(&format!("{ensemble}{averaged}")), &[]);
        let each = nodes.map(|x| run_at(&single, &[(param, x)]));
        for (q, metric) in metrics.iter().enumerate() {
            let check = |found: Option<f64>, own: [Option<f64>; 2], place: &str| {
                let mean = own[0].zip(own[1]).map(|(a, b)| 0.5 * (a + b));
                let scale = own.iter().flatten().map(|x| x.abs()).fold(0.0, f64::max);
                // Angles between near states, and what follows from them, keep half of the digits: 1e-7, and that over 1e5 rad/s.
                let floor = match metric.as_str() {
                    m if m.ends_with("_time") => 2e-12,
                    // Differences of entropies of some bits.
                    m if m.starts_with("mutual_information") || m.contains("entropy") => 1e-13,
                    "fidelity" | "bures_angle" | "concurrence" | "trace_distance" => 1e-7,
                    _ => 1e-6 * scale,
                };
                let near =
                    same(found, mean, 1e-6, scale) || found.zip(mean).is_some_and(|(a, b)| (a - b).abs() <= floor);
                assert!(near, "{name}, {place}, {metric}: {found:?}, not {mean:?}");
                mean.is_some() as usize
            };
            for (k, mark) in all.marks.iter().enumerate() {
                let own = each.each_ref().map(|r| r.marks[k].values[q].1);
                compared += check(mark.values[q].1, own, &mark.name);
            }
            for (k, trace) in all.traces.iter().enumerate().filter(|(_, t)| !t.name.starts_with("fid")) {
                for j in 0..trace.time.len() {
                    let own = each.each_ref().map(|r| r.traces[k].values[q].1[j]);
                    compared += check(trace.values[q].1[j], own, &trace.name);
                }
            }
        }
    }
    assert!(compared > 1000, "{compared} values were compared");
}

#[test]
fn the_scans_of_a_phase_cycle_are_one_member() {
    let text = |cycle: &str, phase: &str, measure: &str| {
        format!(
            "{}{cycle}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase {phase} ideal
    parallel {{ pulse 1H 50 deg phase y rf = 25 kHz
        pulse 13C 30 deg phase x rf = 20 kHz }}
    delay 7 us
    mark m
}}
measure {{ {measure} }}
",
            PAIR
        )
    };
    let all =
        run_at(&compiled(&text("cycle phi = 0 1", "phi", "energy, charging_power, member_mean(charging_power)")), &[]);
    let each = ["x", "y"].map(|phase| run_at(&compiled(&text("", phase, "energy, charging_power")), &[]));
    for key in ["energy", "charging_power", "member_mean(charging_power)"] {
        let own = each
            .each_ref()
            .map(|r| value(r, "m", key.trim_start_matches("member_mean(").trim_end_matches(')')).unwrap());
        assert!(same(value(&all, "m", key), Some(0.5 * (own[0] + own[1])), 1e-9, own[0].abs()), "{key}");
    }
}

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
    compiled(&format!(
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
    ))
}

fn same_at_mark(a: &Run, b: &Run, what: &str) {
    let (a, b) = (a.marks.iter().find(|m| m.name == "m").unwrap(), b.marks.iter().find(|m| m.name == "m").unwrap());
    for ((key, x), (_, y)) in a.values.iter().zip(&b.values) {
        // Powers of propagators and steps one by one differ by rounding, the angle between near states by the root of it.
        let tolerance = if key.ends_with("_time") { 1e-6 } else { 1e-8 };
        assert!(same(*x, *y, tolerance, 1e-3), "{what}, {key}: {x:?} and {y:?}");
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

/// Even numbers between 0 and 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[test]
fn no_speed_limit_is_longer_than_the_time_that_was_taken() {
    let mut random = Random(7);
    let mut defined = [0; 2];
    for round in 0..60 {
        let prepare = ["ket \"00\"", "ket \"01\"", "gibbs(H + 0.7*X(a), 0.3)", "gibbs(H + X(b), 3)"][round % 4];
        let mut sequence = String::new();
        for _ in 0..1 + (random.next() * 3.0) as usize {
            let mut c = || 2.0 * random.next() - 1.0;
            let h = format!("({})*X(a) + ({})*Y(b) + ({})*Z(a)*Z(b) + ({})*Z(b)", c(), c(), c(), c());
            // From so short that the angle is near its rounding to several periods.
            let time = 10f64.powf(3.0 * random.next() - 2.0);
            let statement = match (random.next() * 4.0) as usize {
                0 => format!("loop 3 {{ evolve {h} for {time} }}"),
                1 => format!("evolve {h} for {time} record 7 as c{}", sequence.len()),
                _ => format!("evolve {h} for {time}"),
            };
            sequence += &format!("    {statement}\n    mark m{}\n", sequence.len());
        }
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nhamiltonian H = Z(a)*Z(b) + 0.3*Z(a)\nbattery {{ energy = H }}
sequence {{\n    prepare {prepare}\n{sequence}}}\nmeasure {{ mandelstam_tamm_time, margolus_levitin_time, elapsed }}\n"
        );
        let run = run_at(&compiled(&text), &[]);
        for (k, key) in ["mandelstam_tamm_time", "margolus_levitin_time"].iter().enumerate() {
            let mut check = |limit: Option<f64>, elapsed: Option<f64>| {
                if let Some(limit) = limit {
                    defined[k] += 1;
                    // The angle between two mixed states that are near each other has an error of 1e-7.
                    assert!(limit <= elapsed.unwrap() + 1e-6 && limit >= 0.0, "{limit} after {elapsed:?} in\n{text}");
                }
            };
            for mark in &run.marks {
                check(value(&run, &mark.name, key), value(&run, &mark.name, "elapsed"));
            }
            for trace in &run.traces {
                let column = |key: &str| &trace.values.iter().find(|(k, _)| k == key).unwrap().1;
                for (limit, elapsed) in column(key).iter().zip(column("elapsed")) {
                    check(*limit, *elapsed);
                }
            }
        }
    }
    assert!(defined.iter().all(|n| *n > 100), "{defined:?}");
}

/// A qubit on the equator saturates Mandelstam and Tamm; one of equal weights on two levels reaches the orthogonal state when Margolus and
/// Levitin say so; what changes or relaxes has no limit, and says why.
#[test]
fn speed_limits_belong_to_one_statement() {
    let at = |sequence: &str, key: &str| {
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nnoise damping {{ collapse 0.3*Z(a) }}\nbattery {{ energy = Z(a) }}
sequence {{\n prepare ket \"0\"\n {sequence}\n mark m\n}}\nmeasure {{ mandelstam_tamm_time, margolus_levitin_time }}\n"
        );
        let run = run_at(&compiled(&text), &[]);
        (value(&run, "m", key), run.notes.join("\n"))
    };
    let near = |found: Option<f64>, right: f64| (found.unwrap() - right).abs() < 1e-9 * right;
    for key in ["mandelstam_tamm_time", "margolus_levitin_time"] {
        // X has the levels -1 and 1: the angle is the time, and pi/2 is the time to the orthogonal state.
        assert!(near(at("evolve X(a) for pi/2", key).0, std::f64::consts::FRAC_PI_2), "{key}");
    }
    assert!(near(at("evolve X(a) for 1\n evolve 0.01*X(a) for 0.001", "mandelstam_tamm_time").0, 0.001));
    assert!(near(at("evolve X(a) for 1", "mandelstam_tamm_time").0, 1.0));
    assert!(at("evolve X(a) for 1\n evolve 0.01*X(a) for 0.001", "margolus_levitin_time").0.unwrap() <= 0.001);
    for (sequence, why) in [
        ("evolve cos(t)*X(a) for 1", "changes in time"),
        ("evolve X(a) for 1 with damping", "relaxes"),
        ("evolve X(a) for 1\n dephase Y(a)", "no Hamiltonian acts"),
        ("evolve Z(a) for 1", "no spread"),
    ] {
        let (found, notes) = at(sequence, "mandelstam_tamm_time");
        assert!(found.is_none() && notes.contains(why), "{sequence}: {found:?}\n{notes}");
    }
}

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
        (d, "delay d record 5", "different times"),
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
fn members_of_different_length_have_a_mean_time_and_say_so() {
    let text = format!(
        "{PAIR}ensemble {{ param d : gaussian(mean = 10 us, sd = 2 us) points 2 }}
sequence {{ prepare thermal\n delay d\n mark m }}
measure {{ elapsed, average_power, member_mean(elapsed), energy }}\n"
    );
    let run = run_at(&compiled(&text), &[]);
    assert!(same(Some(run.marks[0].time), Some(10e-6), 1e-9, 0.0));
    assert_eq!(value(&run, "m", "elapsed"), None);
    assert_eq!(value(&run, "m", "average_power"), None);
    assert!(same(value(&run, "m", "member_mean(elapsed)"), Some(10e-6), 1e-9, 0.0));
    assert!(run.notes.iter().any(|n| n.contains("different times")), "{:?}", run.notes);
}

/// Energies, the prepared state and the readout are those of the system as declared, not of the member that is counted first.
#[test]
fn energies_refer_to_the_system_as_declared() {
    let text = |ensemble: &str| {
        format!(
            "ergoseq 1\nunits natural\nparam w = 1, T = 1\nsystem {{ spin a : 1/2 }}\nhamiltonian H = w*Z(a)\nbattery {{ energy = H }}
{ensemble}sequence {{\n prepare gibbs(Z(a), T)\n evolve X(a) for 0.4\n mark m\n}}
measure {{ energy, stored_energy, member_mean(energy), member_mean(stored_energy) }}\n"
        )
    };
    let single = compiled(&text(""));
    let own = |settings: &[(&str, f64)], key: &str| value(&run_at(&single, settings), "m", key).unwrap();
    let wide = run_at(&compiled(&text("ensemble { param w : gaussian(mean = 2, sd = 1) points 2 }\n")), &[]);
    assert!(same(value(&wide, "m", "energy"), Some(own(&[], "energy")), 1e-12, 0.0));
    assert!(same(
        value(&wide, "m", "member_mean(energy)"),
        Some(0.5 * (own(&[("w", 1.0)], "energy") + own(&[("w", 3.0)], "energy"))),
        1e-12,
        0.0
    ));
    let warm = run_at(&compiled(&text("ensemble { param T : gaussian(mean = 2, sd = 1) points 2 }\n")), &[]);
    let mean = 0.5 * (own(&[("T", 1.0)], "stored_energy") + own(&[("T", 3.0)], "stored_energy"));
    for key in ["stored_energy", "member_mean(stored_energy)"] {
        assert!(same(value(&warm, "m", key), Some(mean), 1e-12, 0.0), "{key}");
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

/// The inputs of faults that were found, with their right values.
#[test]
fn cases_have_the_values_that_they_expect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/engine");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let experiment = compiled(&text);
        let verdicts = ergoseq::verdict::verdicts(&experiment, &Values::new(), &Options::default()).unwrap();
        assert!(!verdicts.is_empty(), "{} expects nothing", path.display());
        for verdict in verdicts {
            assert!(verdict.holds(), "{}: {verdict:?}", path.display());
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}
