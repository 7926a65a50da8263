//! No sample of a curve is above its maximum or below its minimum, however densely it is recorded, and an extremum does not depend on
//! how densely that is.

use crate::generator::Random;
use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;

/// Curves with corners and without, of states that are known as sums of cosines and of those that are propagated.
const METRICS: [&str; 10] = [
    "l1_coherence",
    "energy",
    "ergotropy",
    "charging_power",
    "concurrence(a, b)",
    "negativity(a)",
    "discord(a, b)",
    "trace_distance",
    "mutual_information(a, b)",
    "relative_entropy_coherence",
];

fn program(metric: &str, recorded: usize, (relax, seed): (&str, u32)) -> String {
    let x = |k: u32| f64::from(seed.wrapping_mul(2_654_435_761_u32.wrapping_add(k * 40_503)) % 1000) / 500.0 - 1.0;
    let product = |k: u32, a: char, b: char| format!("{:.4}*{a}(a)*{b}(b)", x(k));
    let drive = format!(
        "{} + {} + {} + {:.4}*X(a) + {:.4}*Y(b) + {:.4}*Z(a)",
        product(1, 'X', 'Y'),
        product(2, 'Z', 'Z'),
        product(3, 'Y', 'X'),
        x(4),
        x(5),
        x(6)
    );
    format!(
        "ergoseq 1
units natural
system {{ spin a, b : 1/2
{relax} }}
hamiltonian H = {}*Z(a) + 0.8*Z(b) + {}
battery {{ energy = H }}
sequence {{
    prepare gibbs(H + 0.3*X(a), 0.5)
    evolve {drive} for 9 record {recorded} as r
}}
measure {{
    highest = max(r.{metric})
    lowest = min(r.{metric})
    when = argmin(r.{metric})
    most = max_sample(r.{metric})
    least = min_sample(r.{metric})
    curve = {metric}
}}
",
        1.0 + x(7),
        product(8, 'X', 'X')
    )
}

fn run(text: &str) -> Run {
    let compiled = match ergoseq::compile("extrema.seq", text, &mut ergoseq::no_files) {
        Ok(compiled) => compiled,
        Err(refused) => panic!("{}\n{text}", refused.render()),
    };
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_or_else(|d| panic!("{}", d.message))
}

fn of(run: &Run, name: &str) -> f64 {
    run.summary.iter().find(|(k, _)| k == name).and_then(|(_, x)| *x).unwrap_or_else(|| panic!("no {name}"))
}

/// The extrema of a program that records few samples, and of one that records many, beside the many samples.
fn hold(metric: &str, relax: &str, seed: u32, samples: usize) {
    let (coarse, dense) = (run(&program(metric, 5, (relax, seed))), run(&program(metric, samples, (relax, seed))));
    let curve: Vec<f64> = dense.traces[0].values.iter().flat_map(|(_, x)| x.iter().flatten().copied()).collect();
    let range = curve.iter().fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
    // The resolution of curves that are sampled adaptively, doubled; relaxed states are right to the tolerance of 1e-10.
    let within = 1e-8 * (range.1 - range.0) + 1e-8;
    for found in [&coarse, &dense] {
        let (high, low) = (of(found, "highest"), of(found, "lowest"));
        assert!(high >= range.1 - within, "{metric}, {seed}, {relax}: {high} below {}", range.1);
        assert!(low <= range.0 + within, "{metric}, {seed}, {relax}: {low} above {}", range.0);
        let samples = || found.traces[0].values.iter().flat_map(|(_, x)| x.iter().flatten().copied());
        assert_eq!(of(found, "most"), samples().fold(f64::MIN, f64::max), "{metric}, {seed}, {relax}");
        assert_eq!(of(found, "least"), samples().fold(f64::MAX, f64::min), "{metric}, {seed}, {relax}");
    }
    for name in ["highest", "lowest"] {
        let (a, b) = (of(&coarse, name), of(&dense, name));
        assert!((a - b).abs() <= within, "{metric}, {seed}, {relax}: {name} {a} and {b}");
    }
}

#[test]
fn no_sample_is_beyond_an_extremum() {
    for seed in 0..4 {
        for metric in METRICS {
            for relax in ["", "relax a { T1 = 20, T2 = 15, polarisation = 0.2 }"] {
                hold(metric, relax, seed, 1001);
            }
        }
    }
}

/// Minima at corners that lie between samples, of a curve that is known at all times and of one that is known from states alone: a search
/// from samples alone stops at another minimum, 0.0023 and 0.0035 higher.
#[test]
fn corners_between_samples_are_found() {
    hold("l1_coherence", "", 61, 4001);
    hold("concurrence(a, b)", "", 120, 4001);
}

/// The time of an extremum of a file with samples at `record` points.
fn times(program: &dyn Fn(usize) -> String) -> Vec<(usize, f64)> {
    [2, 5, 31, 51, 101, 801].into_iter().map(|record| (record, of(&run(&program(record)), "when"))).collect()
}

/// Amplitude damping ends the ergotropy of an excited spin at `ln(1 + tanh(w/2T))/gam`; from then on it is zero.
#[test]
fn the_end_of_the_ergotropy_does_not_depend_on_the_samples() {
    let (w, t, gam) = (1.0f64, 0.6, 0.2);
    let program = |record: usize| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a : 1/2 }}\nhamiltonian H0 = {w}*Iz(a)\nnoise decay {{ collapse sqrt({gam})*Im(a) }}\n\
             battery {{ energy = H0 }}\nsequence {{ prepare gibbs(H0, {t})\n evolve 0.8*Ix(a) for pi/0.8\n \
             evolve H0 for 8 with decay record {record} as storing }}\nmeasure {{ when = argmin(storing.ergotropy) }}\n"
        )
    };
    let exact = (1.0 + (w / (2.0 * t)).tanh()).ln() / gam;
    for (record, found) in times(&program) {
        assert!((found - exact).abs() < 1e-6, "{record}: {found} for {exact}");
    }
}

/// A drive that is switched off at 1.3 leaves the ergotropy at its maximum.
#[test]
fn a_maximum_that_stays_is_reached_when_the_drive_ends() {
    let program = |record: usize| {
        format!(
            "ergoseq 1\nunits natural\nsystem {{ spin s : 1/2 }}\nbattery {{ energy = Iz(s) }}\nsequence {{ prepare gibbs(Iz(s), 0.6)\n \
             evolve 0.7*(step(t) - step(t - 1.3))*Ix(s) for 4 record {record} as driven }}\nmeasure {{ when = argmax(driven.ergotropy) }}\n"
        )
    };
    for (record, found) in times(&program) {
        assert!((found - 1.3).abs() < 1e-6, "{record}: {found}");
    }
}

/// Points that are propagated together have the times of single ones, and those of a constant are its start.
#[test]
fn batches_have_the_times_of_single_points() {
    let text = "ergoseq 1\nunits natural\nparam B = 1\nsystem { spin a, b : 1/2 }\nhamiltonian H = B*Iz(a) + 1.3*Iz(b)\nbattery { energy = H }\n\
                sequence { prepare gibbs(H + 0.4*Ix(a), 0.8)\n evolve H for 3 record 21 as still\n \
                evolve Ix(a)*Ix(b) + 0.7*Ix(a) + 0.2*B*Iy(b) for 9 record 21 as moving }\n\
                measure { first = argmax(still.ergotropy)\n up = argmax(moving.ergotropy)\n down = argmin(moving.energy)\n corner = argmin(moving.l1_coherence) }\n";
    let compiled =
        ergoseq::compile("extrema.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let points: Vec<Values> = (0..32).map(|k| Values::from([("B".to_string(), 0.4 + 0.05 * f64::from(k))])).collect();
    let emulator = ergoseq::emulator::Emulator::new(&compiled.experiment);
    assert!(emulator.batch_size(&points[0], &Options::default()) > 1, "points are run one by one");
    for (point, together) in points.iter().zip(emulator.run_many(&points, &Options::default())) {
        let (together, alone) = (together.unwrap(), emulator.run(point, &Options::default(), &[]).unwrap());
        assert_eq!(of(&alone, "first"), 0.0);
        for name in ["first", "up", "down", "corner"] {
            let (x, y) = (of(&together, name), of(&alone, name));
            assert!((x - y).abs() < 1e-6, "{name} {point:?}: {x} {y}");
        }
    }
}

/// The energy of two spins along a trajectory under a diagonal Hamiltonian: six oscillations, whose amplitudes and frequencies are free.
fn oscillations(hamiltonian: [f64; 3], energy: [f64; 12], duration: f64, recorded: usize) -> String {
    const OPERATORS: [&str; 12] = [
        "X(b)",
        "Y(b)",
        "X(a)",
        "X(a)*X(b)",
        "X(a)*Y(b)",
        "X(a)*Z(b)",
        "Y(a)",
        "Y(a)*X(b)",
        "Y(a)*Y(b)",
        "Y(a)*Z(b)",
        "Z(a)*X(b)",
        "Z(a)*Y(b)",
    ];
    let terms: Vec<String> = OPERATORS.iter().zip(energy).map(|(operator, x)| format!("{x:.4}*{operator}")).collect();
    let [a, b, both] = hamiltonian;
    format!(
        "ergoseq 1
units natural
param w = {a:.4}
system {{ spin a, b : 1/2 }}
battery {{ energy = {} }}
sequence {{
    prepare mix(0.9999: superposition(1: ket \"00\", 1: ket \"01\", 1: ket \"10\", 1: ket \"11\"), 0.0001: mixed)
    evolve w*Z(a) + {b:.4}*Z(b) + {both:.4}*Z(a)*Z(b) for {duration:.4} record {recorded} as free
}}
measure {{
    highest = max(energy)
    lowest = min(energy)
    when = argmax(energy)
    most = max_sample(energy)
    least = min_sample(energy)
}}
",
        terms.join(" + ")
    )
}

/// A maximum 0.0081 above the last of three samples at 0, 0.63 and 1.25, which ascend.
const HIDDEN: ([f64; 3], [f64; 12], f64) = (
    [0.2108, 0.2892, 0.1284],
    [1.0528, 0.0156, -0.8357, -0.4661, 0.6269, -0.0631, 1.0913, -1.2466, -1.3342, 0.5971, -0.9472, -1.501],
    1.2522,
);

/// Maxima and minima of oscillations are those of dense samples: of random ones, and of one with a maximum between samples that ascend.
#[test]
fn extrema_of_oscillations_do_not_depend_on_the_samples() {
    let mut random = Random(1);
    let mut cases = vec![HIDDEN];
    for _ in 0..200 {
        let hamiltonian = [0; 3].map(|_| random.between(-0.4, 0.4));
        let energy = [0; 12].map(|_| random.between(-1.5, 1.5));
        cases.push((hamiltonian, energy, random.between(0.5, 12.0)));
    }
    for (hamiltonian, energy, duration) in cases {
        let with = |recorded| run(&oscillations(hamiltonian, energy, duration, recorded));
        let dense = with(4001);
        let range = of(&dense, "most") - of(&dense, "least");
        for recorded in [2, 3, 7, 51] {
            let found = with(recorded);
            // Samples at a distance of 0.003, beside oscillations of at most 2 rad per unit of time whose sizes add up to 40.
            let close = |name: &str, sample: &str, sign: f64| {
                let above = sign * (of(&found, name) - of(&dense, sample));
                assert!(
                    (-1e-12..4e-5).contains(&above),
                    "{name} {above}: {}",
                    oscillations(hamiltonian, energy, duration, recorded)
                );
            };
            close("highest", "most", 1.0);
            close("lowest", "least", -1.0);
            for name in ["highest", "lowest"] {
                assert!((of(&found, name) - of(&dense, name)).abs() <= 1e-9 * range, "{name} of {recorded} samples");
            }
        }
    }
}

/// The same in batches of points.
#[test]
fn batches_find_maxima_between_samples() {
    let (hamiltonian, energy, duration) = HIDDEN;
    let text = oscillations(hamiltonian, energy, duration, 2);
    let compiled =
        ergoseq::compile("extrema.seq", &text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    let points: Vec<Values> =
        (0..32).map(|k| Values::from([("w".to_string(), 0.2108 + 1e-6 * f64::from(k))])).collect();
    let emulator = ergoseq::emulator::Emulator::new(&compiled.experiment);
    assert!(emulator.batch_size(&points[0], &Options::default()) > 1, "points are run one by one");
    for (point, together) in points.iter().zip(emulator.run_many(&points, &Options::default())) {
        let (together, alone) = (together.unwrap(), emulator.run(point, &Options::default(), &[]).unwrap());
        for name in ["highest", "lowest"] {
            let (x, y) = (of(&together, name), of(&alone, name));
            assert!((x - y).abs() < 1e-12, "{name} {point:?}: {x} {y}");
        }
        assert!((of(&together, "when") - 0.2755).abs() < 1e-3);
    }
}

/// Ten thousand maxima, equal ones or nearly equal ones, are searched to the end. Two spins rotate at the frequencies 1 and w. For w = 1/2 the
/// curve repeats itself after 4 pi, and its maximum is that of dense samples, right to 1e-9; for an irrational w it comes close to the sum of
/// both amplitudes.
#[test]
fn long_curves_are_searched_to_the_end() {
    let sum = |t: f64| 0.9 * (t.cos() + 0.3 * t.sin() + 0.5 * (0.5 * t).cos());
    let dense =
        (0..=200_000).map(|k| sum(4.0 * std::f64::consts::PI * f64::from(k) / 200_000.0)).fold(f64::MIN, f64::max);
    let amplitudes = 0.9 * (1.09f64.sqrt() + 0.5);
    for (w, expected, below, above) in [(0.5, dense, 1e-12, 1e-8), (0.5436563656, amplitudes, 1e-5, 1e-12)] {
        let text = format!(
            "ergoseq 1\nunits natural\nsystem {{ spin a, b : 1/2 }}\nbattery {{ energy = X(a) + 0.3*Y(a) + 0.5*X(b) }}\nsequence {{\n\
             prepare mix(0.9: superposition(1: ket \"00\", 1: ket \"01\", 1: ket \"10\", 1: ket \"11\"), 0.1: mixed)\n\
             evolve 0.5*Z(a) + {}*Z(b) for 35000 record 2 as free }}\nmeasure {{ highest = max(energy) }}\n",
            0.5 * w
        );
        let found = run(&text);
        assert_eq!(found.notes, Vec::<String>::new());
        let difference = of(&found, "highest") - expected;
        assert!((-below..above).contains(&difference), "{w}: {difference} from {expected}");
    }
}
