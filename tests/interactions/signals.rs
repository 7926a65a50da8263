//! Imperfect samples and free induction decays, beside closed forms.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

fn run(text: &str) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default())
        .unwrap_or_else(|d| panic!("{}", d.render(&compiled.sources, false)))
}

fn fid(run: &Run) -> Vec<(f64, Option<f64>, Option<f64>)> {
    let trace = run.traces.iter().find(|t| t.name == "fid").expect("a signal was acquired");
    let column = |k: usize| trace.values[k].1.clone();
    trace.time.iter().zip(column(0)).zip(column(1)).map(|((t, re), im)| (*t, re, im)).collect()
}

const PAIR: &str = "ergoseq 1
system {
    field 11.7 T
    temperature 300 K
    spin a, b : 1H
    dipolar a b = D
}
channel 1H { rf = 100 kHz }
";

/// <2 Iz> of a proton at 11.7 T and 300 K.
const POLARISATION: f64 = 3.984_6e-5;

#[test]
fn a_pake_doublet_is_a_cosine() {
    let text = format!(
        "{}param D = -30.454 kHz
sequence {{
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 400 dwell 0.5 us phase x
}}
measure {{ signal(1H) }}",
        PAIR
    );
    for (t, re, im) in fid(&run(&text)) {
        let exact = POLARISATION * (3.0 * std::f64::consts::PI * 30_454.0 * t).cos();
        // Four digits of the polarisation, and a state of size 1 in rounding.
        assert!((re.unwrap() - exact).abs() < 1e-4 * POLARISATION, "{t}: {re:?} {exact}");
        assert!(im.unwrap().abs() < 1e-10 * POLARISATION);
    }
}

#[test]
fn a_powder_of_pairs_decays_as_fresnel_integrals_say() {
    // Even in the cosine of the angle: one parameter is the orientation.
    let text = format!(
        "{}param u = 0.5
param D = -30.454 kHz * (3*u^2 - 1)/2
ensemble {{ param u : uniform(from = 0, to = 1) points 60 }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase y ideal
    acquire 1H points 7 dwell 5 us phase x
}}
measure {{ signal(1H) }}",
        PAIR
    );
    let found = fid(&run(&text));
    let zero = found[0].1.unwrap();
    // The integral itself, by Simpson's rule on a fine grid.
    let integral = |t: f64| {
        let f = |u: f64| (3.0 * std::f64::consts::PI * 30_454.0 * 0.5 * (3.0 * u * u - 1.0) * t).cos();
        let n = 20_000;
        let sum: f64 = (1..n).map(|k| f(k as f64 / n as f64) * if k % 2 == 1 { 4.0 } else { 2.0 }).sum();
        (f(0.0) + f(1.0) + sum) / (3.0 * n as f64)
    };
    for &(t, re, _) in &found {
        assert!((re.unwrap() / zero - integral(t)).abs() < 1e-10, "{t}: {}", re.unwrap() / zero);
    }
    // Fresnel's closed form at 5, 10, 20 and 30 us for r = 1.58 angstrom, of which 30.454 kHz are five digits.
    for (k, exact) in [(1, 0.808_569), (2, 0.381_603), (4, -0.180_976), (6, -0.200_119)] {
        assert!((found[k].1.unwrap() / zero - exact).abs() < 3e-6, "{} us: {}", 5 * k, found[k].1.unwrap() / zero);
    }
}

#[test]
fn phase_cycles_select_and_the_receiver_follows() {
    // A second pulse turned through four phases, received in turn: only what it inverts stays.
    let text = |cycle: &str, receiver: &str| {
        format!(
            "ergoseq 1
units natural
cycle phi = {cycle}
cycle rx = {receiver}
system {{
    field 9.4
    temperature 1e12
    spin a : 1H
}}
sequence {{
    prepare ket \"0\"
    pulse 1H 1 phase x ideal
    pulse 1H 0.7 phase phi ideal
    acquire 1H points 2 dwell 1 phase rx
}}
measure {{ signal(1H), purity }}"
        )
    };
    // EXORCYCLE keeps the part of coherence -1 -> +1, sin(1) (1 - cos 0.7)/2 of it.
    let echo = run(&text("x, y, -x, -y", "x, -x, x, -x"));
    assert_eq!(echo.how.members, 4);
    let size = fid(&echo)[0].1.unwrap().hypot(fid(&echo)[0].2.unwrap());
    let exact = 0.5 * 1f64.sin() * 0.5 * (1.0 - 0.7f64.cos());
    assert!((size - exact).abs() < 1e-14, "{size} {exact}");
}

#[test]
fn spread_fields_dephase_as_their_distribution() {
    for (spread, decay) in [
        ("gaussian(mean = 0, sd = 30)", (|t: f64| (-0.5 * (30.0 * t).powi(2)).exp()) as fn(f64) -> f64),
        ("uniform(from = -40, to = 40)", |t| (40.0 * t).sin() / (40.0 * t)),
    ] {
        let text = format!(
            "ergoseq 1
units natural
system {{ spin a : 1H }}
ensemble {{ offset 1H : {spread} points 41 }}
battery {{ energy = X(a) }}
sequence {{
    prepare superposition(1: ket \"0\", 1: ket \"1\")
    delay 0.05 mark early
    delay 0.05 mark late
}}
measure {{ x = expectation(X(a)), purity, energy, charging_power }}"
        );
        let text = text.replace(" mark", "\n    mark");
        let run = run(&text);
        for mark in &run.marks[..2] {
            let value = |key: &str| mark.values.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap();
            let exact = decay(mark.time);
            assert!((value("x") - exact).abs() < 1e-12, "{spread} at {}: {} {exact}", mark.time, value("x"));
            // The mean state is mixed, though every member is pure.
            assert!((value("purity") - 0.5 * (1.0 + exact * exact)).abs() < 1e-12);
            let h = 1e-5;
            let slope = (decay(mark.time + h) - decay(mark.time - h)) / (2.0 * h);
            assert!((value("charging_power") - slope).abs() < 1e-6 * slope.abs().max(1.0));
        }
    }
}

#[test]
fn too_few_offsets_are_noted() {
    let text = |time: &str| {
        format!(
            "ergoseq 1
system {{
    field 9.4 T
    temperature 300 K
    spin a : 1H
}}
ensemble {{ offset 1H : gaussian(mean = 0 Hz, sd = 50 Hz) points 61 }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase y ideal
    delay {time}
}}
measure {{ expectation(Ix(a)) }}"
        )
    };
    assert!(run(&text("5 ms")).notes.is_empty());
    let late = run(&text("50 ms"));
    assert!(late.notes.iter().any(|n| n.contains("points")), "{:?}", late.notes);
}

#[test]
fn spread_rf_costs_dipolar_order_as_an_independent_program_found() {
    // Jeener-Broekaert on the gypsum pair with ideal pulses, then a 90 degree charge: energies in units of p h |d|.
    for (sd, ordered, charged) in
        [(0.02, -0.74926, 1.12168), (0.05, -0.74540, 1.10457), (0.1, -0.73194, 1.04768), (0.2, -0.68283, 0.87290)]
    {
        let text = format!(
            "{}param D = -30.454 kHz
ensemble {{ rf 1H : gaussian(mean = 1, sd = {sd}) points 31 }}
battery {{ energy = dipolar }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase x ideal
    delay 1 / (6 * 30.454 kHz)
    pulse 1H 45 deg phase y ideal
    crush
    mark ordered
    pulse 1H 90 deg phase x ideal
    mark charged
}}
measure {{ energy, ergotropy }}",
            PAIR
        );
        let run = run(&text);
        let unit = POLARISATION * 6.626_070_15e-34 * 30_454.0;
        let value = |mark: &str, key: &str| {
            let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
            mark.values.iter().find(|(k, _)| k == key).and_then(|(_, v)| *v).unwrap() / unit
        };
        assert!((value("ordered", "energy") - ordered).abs() < 2e-4, "{sd}: {}", value("ordered", "energy"));
        assert!((value("charged", "ergotropy") - charged).abs() < 2e-4, "{sd}: {}", value("charged", "ergotropy"));
    }
}

#[test]
fn members_that_follow_send_what_members_in_step_do() {
    // Where a metric is asked too, all members walk in step and every state is kept; else they follow group by group.
    let text = |spinning: &str, more: &str| {
        format!(
            "ergoseq 1
param tau = 20 us
system {{
    field 9.4 T
    temperature 300 K
    spin a, b : 1H
    csa a = 4 ppm eta 0.3
    dipolar a b = -5 kHz along (0, 0, 1)
    {spinning}
}}
cycle phi = x, -x
ensemble {{ orientation : spiral points 150 }}
sequence {{
    prepare thermal
    pulse 1H 90 deg phase phi ideal
    delay tau
    acquire 1H points 16 dwell 4 us phase phi
    pulse 1H 45 deg phase y ideal
    acquire 1H points 8 dwell 8 us
}}
measure {{ signal(1H), signal_im(1H){more} }}"
        )
    };
    for spinning in ["", "spinning 12.5 kHz"] {
        let (alone, in_step) = (run(&text(spinning, "")), run(&text(spinning, ", purity")));
        assert_eq!(alone.how.members, in_step.how.members);
        assert!(alone.how.members > 64, "one group has no followers");
        assert_eq!(alone.how.duration, in_step.how.duration);
        let mut largest = 0.0f64;
        for (one, other) in alone.traces.iter().zip(&in_step.traces) {
            assert_eq!((&one.name, one.start, &one.time), (&other.name, other.start, &other.time));
            for ((_, x), (_, y)) in one.values.iter().zip(&other.values) {
                for (x, y) in x.iter().zip(y) {
                    let (x, y) = (x.unwrap(), y.unwrap());
                    largest = largest.max(y.abs());
                    // Sums in another order, and states of size 1 in rounding.
                    assert!((x - y).abs() < 1e-10 * POLARISATION, "{x} {y}");
                }
            }
        }
        assert_eq!((alone.traces.len(), in_step.traces.len()), (2, 2));
        assert!(largest > 0.1 * POLARISATION);
    }
}
