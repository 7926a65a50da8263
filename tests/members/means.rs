//! Results of an ensemble compared with the mean of single runs.
//!
//! A Gaussian spread of two points has the nodes `mean - sd` and `mean + sd`, of weight 1/2 each: an ensemble over it is the mean of
//! two runs in which the parameter has these values.

use super::{PAIR, ROTOR, apart, compiled, run_at, same, value};
use ergoseq::emulator::Run;
use ergoseq::metrics::METRICS;

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
