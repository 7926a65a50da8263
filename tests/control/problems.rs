//! Problems of control with known solutions.

use crate::{cartesian, found, goal, search, shaped};
use ergoseq::emulator::Options;
use ergoseq::hamiltonian::Values;
use ergoseq::search::{Limits, Search, shape};

/// A battery of two coupled spins, charged by a common real field: with g = pi J/2, H = g ZZ + Omega (X1 + X2) and Omega = 2 pi rf/2.
fn common_field(rf: f64) -> String {
    format!(
        "ergoseq 1
system {{
    field 11.7 T
    spin a : 1H
    spin b : 13C
    j a b = 200 Hz
}}
shape common = \"common.txt\"
sequence {{
    prepare ket \"00\"
    parallel {{
        pulse 1H phase x rf = {rf} Hz duration = 8 ms shape = common
        pulse 13C phase x rf = {rf} Hz duration = 8 ms shape = common
    }}
}}
measure {{ expectation(-Iz(a) - Iz(b)) }}
"
    )
}

/// The shortest time of a full charge from 00 with |Omega| <= 2 g and 5 g is that of the sequence +, 0, - of lengths 0.40618, 1.16461,
/// 0.40618 and 0.15788, 1.41292, 0.15788 in units of 1/g (structure after Phys. Rev. A 110, 052601; times by quadrature of the three pieces).
#[test]
fn the_shortest_charge_is_bang_off_bang() {
    for (rf, expected) in [(200.0, 1.97698), (500.0, 1.72867)] {
        let experiment = shaped(&common_field(rf), &"0.9 0\n".repeat(100));
        let limits = Limits { real: true, ..Limits::default() };
        let search = Search {
            starts: 4,
            iterations: 1000,
            limits,
            reach: Some(1.0 - 1e-7),
            shortest: true,
            ..search(&["common"])
        };
        let found = found(&experiment, &goal("expectation(-Iz(a) - Iz(b))", None), &search);
        let time = 100.0 * std::f64::consts::PI * 8e-3 * found.stretch;
        // The result is reached to 1e-7, which takes sqrt(1e-7) = 3e-4 less time, and edges fall within steps of 1 % of the duration.
        assert!(found.reached && (time - expected).abs() < 1e-3, "{rf}: {time} {expected} {:?}", found.climbs);
        let steps = cartesian(&found.shapes[0]);
        // The field of the middle is zero on the average: fields of alternating sign do the same.
        let middle = steps[40..60].iter().map(|s| s.0).sum::<f64>() / 20.0;
        assert!(steps[0].0 * steps[99].0 < -0.9 && middle.abs() < 0.2, "{rf}: {middle} {steps:?}");
    }
}

/// A transmitter with the taps a and 1 - a, of h = 4 us each, sends a of the amplitude during the first 4 us: the shortest inversion at 10 kHz
/// lasts `1/(2 rf) + (1 - a) h`.
#[test]
fn the_shortest_inversion_waits_for_the_transmitter() {
    for (a, expected) in [(1.0, 50e-6), (0.6, 51.6e-6), (0.25, 53e-6)] {
        let text = format!(
            "ergoseq 1
system {{
    field 11.7 T
    spin h : 1H
}}
channel 1H {{ max_rf = 10 kHz, kernel = ({a}, {}), kernel_step = 4 us }}
shape turn = \"turn.txt\"
sequence {{
    prepare ket \"0\"
    pulse 1H phase x rf = 10 kHz duration = 70 us shape = turn
}}
measure {{ expectation(-2*Iz(h)) }}
",
            1.0 - a
        );
        let experiment = shaped(&text, &"0.9 0\n".repeat(10));
        let limits = Limits { real: true, ..Limits::default() };
        let search =
            Search { starts: 0, iterations: 200, limits, reach: Some(1.0 - 1e-7), shortest: true, ..search(&["turn"]) };
        let found = found(&experiment, &goal("expectation(-2*Iz(h))", None), &search);
        let time = 70e-6 * found.stretch;
        // 1e-7 is reached within 4.5e-4 rad of 180 deg, 1.4e-4 of the time, which is found to 5e-5.
        assert!(found.reached && (time / expected - 1.0).abs() < 2.5e-4, "{a}: {time:e} {expected:e} {found:?}");
        // The run of the file with this duration reaches it, too.
        let with = ergoseq::search::reshaped(&experiment, &search, &found);
        let request = ergoseq::search::in_run(&experiment, &goal("expectation(-2*Iz(h))", None));
        let run = ergoseq::emulator::run(&with, &Values::new(), &Options::default(), &[request]).unwrap();
        assert!((run.values[0].unwrap() - found.best).abs() < 1e-9, "{:?} {}", run.values, found.best);
    }
}

#[test]
fn a_duration_that_is_too_short_is_not_reached() {
    let experiment = shaped(&common_field(200.0).replace("8 ms", "5 ms"), &"0.9 0\n".repeat(40));
    let limits = Limits { real: true, ..Limits::default() };
    let search = Search { starts: 1, limits, reach: Some(0.999), shortest: true, ..search(&["common"]) };
    let found = found(&experiment, &goal("expectation(-Iz(a) - Iz(b))", None), &search);
    assert!(!found.reached && (0.70..0.75).contains(&found.best) && found.stretch == 1.0, "{found:?}");
}

/// Polarisation transfer between two spins takes 1/J: Iz to 2 Iz Sz in 1/2J, and that to Sz in 1/2J (Khaneja, Brockett, Glaser, Phys. Rev.
/// A 63, 032308).
#[test]
fn polarisation_is_transferred_in_the_inverse_of_the_coupling() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/control/transfer.seq")).unwrap();
    let experiment = shaped(&text, &"0.5 0\n".repeat(40));
    let search = Search { starts: 3, iterations: 300, reach: Some(0.995), ..search(&["proton", "carbon"]) };
    let found = found(&experiment, &goal("order(Iz(c))", None), &search);
    // With an rf of 2 kHz and 40 steps the three rotations by 90 degrees take part of the time.
    assert!(found.reached && found.best <= 1.0 + 1e-9, "{} {:?}", found.best, found.climbs);
    // In 80 % of the time no more than sin(0.8 pi/2)^2 = 0.9045 of it, the product of what the two halves transfer.
    let values = Values::from([("length".to_string(), 0.8 / 140.0)]);
    let search = Search { reach: None, iterations: 150, ..search };
    let shorter = shape(&experiment, &values, &Options::default(), &goal("order(Iz(c))", None), &search).unwrap();
    assert!(shorter.best < 0.906 && shorter.best > 0.85, "{} {:?}", shorter.best, shorter.climbs);
}

/// Inversion at 13 offsets within 25 kHz in 500 us with 10 kHz of rf, 60 steps: more variables than conditions, so that it is exact, and L-BFGS
/// reaches it in some 40 gradients (as one written in numpy does, and that of SciPy).
#[test]
fn an_inversion_that_is_possible_is_found_exactly() {
    let text = REFOCUSING
        .replace("uniform(from = -span, to = span) points 9", "uniform(from = -25 kHz, to = 25 kHz) points 13")
        .replace("param span = 12.5 kHz\n", "")
        .replace("prepare thermal", "prepare ket \"0\"")
        .replace("rf = 15 kHz duration = 200 us", "rf = 10 kHz duration = 500 us");
    let experiment = shaped(&text, &"1 0\n".repeat(60));
    let search = Search { starts: 2, iterations: 150, ..search(&["echo"]) };
    let found = found(&experiment, &goal("expectation(-2*Iz(h))", None), &search);
    assert!(1.0 - found.best < 1e-10, "{:e} {:?}", 1.0 - found.best, found.climbs);
    assert!(found.gradients < 500, "{} {:?}", found.gradients, found.climbs);
}

const REFOCUSING: &str = "ergoseq 1
param span = 12.5 kHz
system {
    field 11.7 T
    temperature 300 K
    spin h : 1H
}
shape echo = \"echo.txt\"
ensemble { offset 1H : uniform(from = -span, to = span) points 9 }
sequence {
    prepare thermal
    pulse 1H phase x rf = 15 kHz duration = 200 us shape = echo
}
measure { member_mean(gate_fidelity(pi*Ix(h))) }
";

/// A rotation by 180 degrees about x for all offsets, with and without limits of the steps. A rectangular pulse of 15 kHz does it on
/// resonance only.
#[test]
fn a_gate_is_refocusing_over_a_range_of_offsets() {
    let experiment = shaped(REFOCUSING, &"1 0\n".repeat(40));
    let goal = goal("gate_fidelity(pi*Ix(h))", None);
    let plain = Limits::default();
    for (limits, least) in [
        (plain, 0.995),
        // With the full amplitude in all steps less is possible; a rectangular pulse reaches 0.54.
        (Limits { phase_only: true, ..plain }, 0.85),
        (Limits { bandwidth: Some(40e3), ..plain }, 0.98),
    ] {
        let search = Search { starts: 6, iterations: 400, limits, ..search(&["echo"]) };
        let found = found(&experiment, &goal, &search);
        assert!(
            found.best > least && found.best <= 1.0 && found.before < 0.9,
            "{limits:?} {} {:?}",
            found.best,
            found.climbs
        );
        let steps = &found.shapes[0];
        assert!(steps.iter().all(|(a, _)| (0.0..=1.0).contains(a)));
        if limits.phase_only {
            assert!(steps.iter().all(|(a, _)| (a - 1.0).abs() < 1e-12));
        }
        if let Some(bandwidth) = limits.bandwidth {
            assert!(beyond(&cartesian(steps), 200e-6 / 40.0, 3.0 * bandwidth) < 1e-3);
        }
    }
}

/// Share of the power of a shape beyond a frequency.
fn beyond(steps: &[(f64, f64)], step: f64, frequency: f64) -> f64 {
    let n = steps.len();
    let power = |f: f64| {
        let wave = |k: usize| std::f64::consts::TAU * f * step * k as f64;
        let x: f64 = steps.iter().enumerate().map(|(k, z)| z.0 * wave(k).cos() + z.1 * wave(k).sin()).sum();
        let y: f64 = steps.iter().enumerate().map(|(k, z)| z.1 * wave(k).cos() - z.0 * wave(k).sin()).sum();
        x * x + y * y
    };
    let all: Vec<(f64, f64)> =
        (0..8 * n).map(|k| (k as f64 / (8 * n) as f64 - 0.5) / step).map(|f| (f, power(f))).collect();
    let sum: f64 = all.iter().map(|(_, p)| p).sum();
    all.iter().filter(|(f, _)| f.abs() > frequency).map(|(_, p)| p).sum::<f64>() / sum
}

#[test]
fn a_shaped_pulse_charges_the_gypsum_pair_as_an_ideal_one_does() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shaped_pulse");
    let text = std::fs::read_to_string(folder.join("charge.seq")).unwrap();
    let experiment = shaped(&text, &"1 0\n".repeat(30));
    let goal = goal("ergotropy / 9.0457e-34", Some("charged"));
    let search = Search { starts: 1, iterations: 60, seed: 3, ..search(&["charge"]) };
    let look = || found(&experiment, &goal, &search);
    let found = look();
    // Within 1 per cent of 9/8 p h |d|, with a spread of the rf of 5 per cent; the flat pulse is far from it.
    assert!(found.best > 0.99 && found.best < 1.001 && found.before < 0.5, "{found:?}");
    assert!(found.shapes[0].iter().all(|(a, phase)| (0.0..=1.0).contains(a) && (0.0..=6.3).contains(phase)));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(look), found);
}

/// On a coarse grid the steps are optimised again while they are rounded, which loses less than to round them all at once.
#[test]
fn steps_on_the_grid_of_a_spectrometer_lose_little() {
    let text = REFOCUSING.replace(
        "shape echo",
        "channel 1H { max_rf = 15 kHz }\nspectrometer coarse { amplitude_step = 0.1, phase_step = 20 deg, clock = 100 ns }\nshape echo",
    );
    let experiment = shaped(&text, &"1 0\n".repeat(40));
    let goal = goal("gate_fidelity(pi*Ix(h))", None);
    let search = Search { starts: 1, iterations: 60, seed: 3, ..search(&["echo"]) };
    let free = found(&experiment, &goal, &search);
    let options = Options { spectrometer: Some("coarse".into()), ..Options::default() };
    let on_grid = shape(&experiment, &Values::new(), &options, &goal, &search).unwrap();
    let whole = |x: f64| (x - x.round()).abs() < 1e-6;
    assert!(on_grid.shapes[0].iter().all(|(a, p)| whole(a / 0.1) && (*a == 0.0 || whole(p.to_degrees() / 20.0))));
    let mut with = experiment.clone();
    with.shapes[0].steps = free.shapes[0].clone();
    let once = Search { starts: 0, iterations: 0, ..search.clone() };
    let rounded = shape(&with, &Values::new(), &options, &goal, &once).unwrap();
    assert!(
        on_grid.best > rounded.best && free.best - on_grid.best < 0.01,
        "{} {} {}",
        free.best,
        on_grid.best,
        rounded.best
    );
    // What a run on this spectrometer makes of the steps is what was found.
    let with = ergoseq::search::reshaped(&experiment, &search, &on_grid);
    let request = ergoseq::search::in_run(&experiment, &goal);
    let run = ergoseq::emulator::run(&with, &Values::new(), &options, &[request]).unwrap();
    assert!((run.values[0].unwrap() - on_grid.best).abs() < 1e-9);
}
