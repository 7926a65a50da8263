//! Tomography beside the numbers of an independent program and its own laws.

use ergoseq::linalg::{C64, Matrix, exponential, hermitian_eigen, real, trace_of_product};
use ergoseq::metrics::{capacity, ergotropy};
use ergoseq::noise::Noise;
use ergoseq::spin::{Basis, LocalKind, Operator, Site, nearest_state};
use ergoseq::tomography::coordinates;
use ergoseq::tomography::estimate::{Battery, second_order};
use ergoseq::tomography::reconstruct::Inverse;
use ergoseq::tomography::{Method, Plan, PlanError, Receiver, Sample, lines, plan, plan_of, reconstruct};
use rayon::prelude::*;
use serde_json::Value;

/// A random density matrix: of full rank, or pure.
fn random_state(n: usize, columns: usize, seed: u64) -> Matrix {
    let mut noise = Noise::new(seed, 99);
    let g = Matrix::from_fn(n, columns, |_, _| C64::new(noise.normal(), noise.normal()));
    let m = &g * g.adjoint();
    let trace = m.trace();
    m.map(|x| x / trace)
}

const TWO_PI: f64 = std::f64::consts::TAU;

fn reference() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/tomography.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn basis(spins: usize) -> Basis {
    Basis::new((0..spins).map(|k| Site::spin(format!("s{k}"), 1, None)).collect())
}

fn spin(spins: usize, kind: LocalKind, site: usize) -> Matrix {
    Operator::of(&basis(spins), kind, site).unwrap().matrix()
}

/// Weakly coupled spins, each on a channel of its own.
fn unlike(spins: usize, detected: usize) -> Sample {
    let mut hamiltonian = Matrix::zeros(1 << spins, 1 << spins);
    for a in 0..spins {
        for b in a + 1..spins {
            let j = TWO_PI * (100.0 + 37.0 * (a * spins + b) as f64);
            hamiltonian += (spin(spins, LocalKind::Iz, a) * spin(spins, LocalKind::Iz, b)).map(|z| z * j);
        }
    }
    let channel = |k: usize| Receiver {
        nucleus: format!("{k}"),
        x: spin(spins, LocalKind::Ix, k),
        y: spin(spins, LocalKind::Iy, k),
        detected: k < detected,
        resolution: 0.0,
    };
    Sample { hamiltonian, channels: (0..spins).map(channel).collect() }
}

/// Spins of one channel.
fn alike(spins: usize, hamiltonian: Matrix) -> Sample {
    let sum = |kind: LocalKind| (1..spins).fold(spin(spins, kind, 0), |m, k| m + spin(spins, kind, k));
    let channel = Receiver {
        nucleus: "1H".into(),
        x: sum(LocalKind::Ix),
        y: sum(LocalKind::Iy),
        detected: true,
        resolution: 0.0,
    };
    Sample { hamiltonian, channels: vec![channel] }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::to_string).collect()
}

#[test]
fn ranks_and_condition_numbers_are_those_of_the_reference() {
    let reference = reference();
    for (name, detected) in [("readout_sets_detect_both", 2), ("readout_sets_detect_spin1_only", 1)] {
        let sample = unlike(2, detected);
        for (set, expected) in reference[name].as_object().unwrap() {
            let set = match set.as_str() {
                s if s.starts_with("all9") => "II,IX,IY,XI,XX,XY,YI,YX,YY",
                s => s.trim_end_matches(" (8)"),
            };
            let rank = expected["rank"].as_u64().unwrap() as usize;
            match plan_of(&sample, &words(set)) {
                Ok(found) => {
                    assert_eq!(found.rank, rank, "{set}");
                    if let Some(condition) = expected["cond"].as_f64() {
                        assert!((found.condition - condition).abs() < 1e-9, "{set}: {}", found.condition);
                    }
                }
                Err(PlanError::Blind(seen, visible, _)) => {
                    assert_eq!(seen, rank, "{set}");
                    // With a delay one channel is enough: the coupling brings across what the other holds.
                    assert_eq!(visible, 15);
                }
                Err(other) => panic!("{set}: {other}"),
            }
        }
    }
}

#[test]
fn eighty_one_sets_of_four_see_all_and_three_do_with_a_delay() {
    let reference = reference();
    let sample = unlike(2, 2);
    let all = ["II", "IX", "IY", "XI", "XX", "XY", "YI", "YX", "YY"];
    let (mut complete, mut best) = (0, f64::INFINITY);
    for a in 0..9 {
        for b in a + 1..9 {
            for c in b + 1..9 {
                for d in c + 1..9 {
                    if let Ok(found) = plan_of(&sample, &[a, b, c, d].map(|k| all[k].to_string())) {
                        complete += 1;
                        best = best.min(found.condition);
                    }
                }
            }
        }
    }
    let minimal = &reference["minimal_sets"]["both"];
    assert_eq!(complete, minimal["count"].as_u64().unwrap());
    assert!((best - minimal["best"][0]["cond"].as_f64().unwrap()).abs() < 1e-9);
    // A coupling that is nothing beside the shifts leaves the delay the turn of 90 degrees that the reference has.
    let shifts = (spin(2, LocalKind::Iz, 0) - spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 500.0);
    let j = (spin(2, LocalKind::Iz, 0) * spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 1e-3);
    let found = plan_of(&alike(2, shifts + j), &words("I-D-Y,X-D-X,Y-D-X")).unwrap();
    let expected = reference["homonuclear_hard_only"]["minimal_with_delay"]["cond"].as_f64().unwrap();
    assert!(found.rank == 15 && (found.condition - expected).abs() < 1e-5, "{} {expected}", found.condition);
}

/// The errors of the state's coefficients, `rho = 1/4 + sum c_i (P_a x P_b)/2`, for noise of variance 1.
#[test]
fn the_covariance_of_least_squares_is_that_of_the_reference() {
    let reference = reference();
    let table = &reference["linear_inversion"];
    let set: Vec<String> = table["exps"].as_array().unwrap().iter().map(|w| w.as_str().unwrap().to_string()).collect();
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &set).unwrap()).unwrap();
    let letter = |c: char, site: usize| match c {
        'X' => pauli(LocalKind::Ix)[site].clone(),
        'Y' => pauli(LocalKind::Iy)[site].clone(),
        'Z' => pauli(LocalKind::Iz)[site].clone(),
        _ => ergoseq::linalg::identity(4),
    };
    let products: Vec<Vec<f64>> = table["basis"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| {
            let mut letters = name.as_str().unwrap().chars();
            let product = letter(letters.next().unwrap(), 0) * letter(letters.next().unwrap(), 1);
            // c = Tr[rho P]/2.
            coordinates(&product.map(|z| z * 0.5))
        })
        .collect();
    let expected = table["cov_per_sigma2"].as_array().unwrap();
    for (i, u) in products.iter().enumerate() {
        let spread = inverse.spread(u);
        for (j, v) in products.iter().enumerate() {
            let found: f64 = spread.iter().zip(v).map(|(a, b)| a * b).sum();
            let expected = expected[i].as_array().map_or_else(
                || if i == j { expected[i].as_f64().unwrap() } else { f64::NAN },
                |row| row[j].as_f64().unwrap(),
            );
            assert!(expected.is_nan() || (found - expected).abs() < 1e-9, "{i} {j}: {found} {expected}");
        }
    }
}

fn set_of(plan: &Plan) -> String {
    plan.readouts.iter().map(|r| r.word.as_str()).collect::<Vec<_>>().join(",")
}

#[test]
fn the_smallest_set_is_found() {
    // 81 sets of four readouts see a pair of unlike spins, the best with a condition number of 2.
    let found = plan(&unlike(2, 2)).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (4, 15), "{}", set_of(&found));
    assert!((found.condition - 2.0).abs() < 1e-9, "{}", found.condition);
    // Three spins have 63 parameters; a readout gives 24 numbers.
    let found = plan(&unlike(3, 3)).unwrap();
    assert_eq!(found.rank, 63);
    assert!(found.readouts.len() <= 8, "{}", set_of(&found));
    // One channel alone never sees more than 12 of 15 by pulses; a delay under the coupling brings the rest across.
    let found = plan(&unlike(2, 1)).unwrap();
    assert_eq!(found.rank, 15, "{}", set_of(&found));
    assert!(found.readouts.iter().any(|r| r.word.contains("-D-")));
    println!("one channel: {} condition {}", set_of(&found), found.condition);
    // An equivalent pair shows the eight parameters of its triplet, by three readouts.
    let d = |z: f64| {
        let term = |kind: LocalKind| spin(2, kind, 0) * spin(2, kind, 1);
        (term(LocalKind::Iz).map(|x| x * 2.0) - term(LocalKind::Ix) - term(LocalKind::Iy)).map(|x| x * z)
    };
    let found = plan(&alike(2, d(TWO_PI * 30e3))).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (3, 8), "{}", set_of(&found));
    assert!((found.condition - 5f64.sqrt()).abs() < 1e-6, "{} {}", set_of(&found), found.condition);
    // Inequivalent spins of one channel: hard pulses see 12 parameters, with a delay three readouts see all.
    let shifts = (spin(2, LocalKind::Iz, 0) - spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 500.0);
    let j = (spin(2, LocalKind::Iz, 0) * spin(2, LocalKind::Iz, 1)).map(|x| x * TWO_PI * 5.0);
    let sample = alike(2, shifts + j);
    let hard = plan_of(&sample, &words("I,X,Y")).unwrap_err();
    assert!(matches!(hard, PlanError::Blind(12, 15, _)), "{hard}");
    let found = plan(&sample).unwrap();
    assert_eq!((found.readouts.len(), found.rank), (3, 15), "{}", set_of(&found));
    // 2.449 for a relative turn of exactly 90 degrees; the coupling turns along.
    assert!(found.condition < 2.6, "{} {}", set_of(&found), found.condition);
}

#[test]
fn line_amplitudes_are_those_of_the_reference() {
    let reference = reference();
    let sample = unlike(2, 2);
    let term = |kind: LocalKind| spin(2, kind, 0) * spin(2, kind, 1);
    let pure = |kets: &[usize]| -> Matrix {
        Matrix::from_fn(4, 4, |i, j| {
            let part = |k: usize| if kets.contains(&k) { 1.0 / (kets.len() as f64).sqrt() } else { 0.0 };
            real(part(i) * part(j))
        })
    };
    let found = plan_of(&sample, &words("II,IX,IY,XX")).unwrap();
    let inverse = Inverse::of(&found).unwrap();
    for (state, called) in [
        (spin(2, LocalKind::Iz, 0) + spin(2, LocalKind::Iz, 1), "thermal_dev (I1z+I2z)"),
        (term(LocalKind::Iz).map(|z| z * 2.0) - term(LocalKind::Ix) - term(LocalKind::Iy), "HD/d"),
        (pure(&[0]), "pure |00>"),
        (pure(&[0, 3]), "Bell (|00>+|11>)/sqrt2"),
    ] {
        let y = inverse.amplitudes(&state);
        let amplitudes = &reference["line_amplitudes"]["amps"][called];
        for (r, word) in ["II", "IX", "IY", "XX"].into_iter().enumerate() {
            for (c, name) in ["spin1", "spin2"].into_iter().enumerate() {
                for partner in 0..2 {
                    for part in 0..2 {
                        let expected = amplitudes[word][name][partner][part].as_f64().unwrap();
                        // Partner up stands at +J/2, which is the second line.
                        let at = ((r * 2 + c) * 2 + (1 - partner)) * 2 + part;
                        assert!((y[at] - expected).abs() < 1e-12, "{called} {word} {name} {partner} {part}: {}", y[at]);
                    }
                }
            }
        }
    }
    let frequencies: Vec<f64> = lines(&sample).unwrap().iter().map(|l| l.frequency).collect();
    assert!((frequencies[1] - frequencies[0] - 137.0).abs() < 1e-9, "{frequencies:?}");
}

#[test]
fn ideal_amplitudes_give_the_state_back() {
    for (k, sample) in [unlike(2, 2), unlike(3, 3), unlike(4, 4)].iter().enumerate() {
        let found = plan(sample).unwrap();
        let inverse = Inverse::of(&found).unwrap();
        let state = random_state(sample.hamiltonian.nrows(), sample.hamiltonian.nrows(), 5 + k as u64);
        assert_eq!(found.rank, found.parameters, "{}", set_of(&found));
        for method in [Method::Linear, Method::MaximumLikelihood, Method::MaximumEntropy] {
            if method == Method::MaximumEntropy && k > 0 {
                continue;
            }
            let again = reconstruct(&inverse, &inverse.amplitudes(&state), 0.0, method).unwrap();
            let within = if method == Method::MaximumEntropy { 1e-8 } else { 1e-10 };
            assert!((again.state - &state).norm() < within, "{method:?} {k}");
            assert!(again.converged);
        }
    }
}

/// The numbers of a reference, in our order: partner up stands behind partner down.
fn reordered(y: &Value) -> Vec<f64> {
    let y: Vec<f64> = y.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    y.chunks(4).flat_map(|c| [c[2], c[3], c[0], c[1]]).collect()
}

fn matrix(value: &Value) -> Matrix {
    let at = |part: &str, i: usize, j: usize| value[part][i][j].as_f64().unwrap();
    Matrix::from_fn(4, 4, |i, j| C64::new(at("re", i, j), at("im", i, j)))
}

#[test]
fn noisy_amplitudes_give_the_states_of_the_reference() {
    let reference = reference();
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &words("II,IX,IY,XX")).unwrap()).unwrap();
    for name in ["ml_reference", "ml_reference_pure"] {
        let case = &reference[name];
        let y = reordered(&case["y"]);
        let linear = reconstruct(&inverse, &y, 0.0, Method::Linear).unwrap();
        assert!((&linear.state - matrix(&case["rho_lin"])).norm() < 1e-9, "{name}");
        assert!((nearest_state(&linear.state).unwrap() - matrix(&case["rho_ml_sgs"])).norm() < 1e-9, "{name}");
        let likeliest = reconstruct(&inverse, &y, 0.0, Method::MaximumLikelihood).unwrap();
        assert!(likeliest.converged && likeliest.smallest > -1e-12);
        assert!((likeliest.state.trace().re - 1.0).abs() < 1e-12);
        // No density matrix near it is likelier: the gradient turns away from every one of many.
        let left = |rho: &Matrix| -> f64 { inverse.amplitudes(rho).iter().zip(&y).map(|(a, y)| (a - y).powi(2)).sum() };
        let best = left(&likeliest.state);
        assert!(best <= left(&matrix(&case["rho_ml_sgs"])) + 1e-12);
        for seed in 0..200 {
            let other = random_state(4, 1, seed);
            let mixed = likeliest.state.map(|z| z * 0.999) + other.map(|z| z * 0.001);
            assert!(left(&mixed) >= best - 1e-12, "{name} {seed}");
        }
        let mixed = reconstruct(&inverse, &y, 0.0, Method::MaximumEntropy).unwrap();
        assert!(mixed.smallest > -1e-12 && (mixed.state.trace().re - 1.0).abs() < 1e-12);
    }
}

fn pauli(kind: LocalKind) -> [Matrix; 2] {
    [0, 1].map(|k| spin(2, kind, k).map(|z| z * 2.0))
}

/// The state of a case of the reference, after the pulse it is named by, and its battery Hamiltonian.
fn case(name: &str) -> (Matrix, Matrix) {
    let ([x, x2], [y, y2], [z, z2]) = (pauli(LocalKind::Ix), pauli(LocalKind::Iy), pauli(LocalKind::Iz));
    let quarter = ergoseq::linalg::identity(4).map(|c| c * 0.25);
    let term = |kind: LocalKind| spin(2, kind, 0) * spin(2, kind, 1);
    let zeeman = |second: f64| spin(2, LocalKind::Iz, 0) + spin(2, LocalKind::Iz, 1).map(|c| c * second);
    let turned = |state: Matrix, turns: f64| -> Matrix {
        let u = exponential(&(&x + &x2).map(|c| c * C64::new(0.0, -turns * std::f64::consts::PI)));
        &u * state * u.adjoint()
    };
    let dipolar = term(LocalKind::Iz).map(|c| c * 2.0) - term(LocalKind::Ix) - term(LocalKind::Iy);
    let order = &quarter - dipolar.map(|c| c * 0.5);
    // H_QB = (Delta/3)(2 ZZ - XX - YY) + eps (XX - YY), Delta = 1, eps = 1/2, at T = 1.
    let battery =
        (&z * &z2).map(|c| c * (2.0 / 3.0)) + (&x * &x2).map(|c| c / 6.0) - (&y * &y2).map(|c| c * (5.0 / 6.0));
    let gibbs = hermitian_eigen(&battery).unwrap().function(|e| real((-e).exp()));
    let gibbs = gibbs.map(|c| c / gibbs.trace().re);
    let thermal = |second: f64| &quarter + zeeman(second).map(|c| c * 0.5);
    let energy = |second: f64| zeeman(second).map(|c| -c);
    match name {
        "QB_gibbs_uncharged" => (gibbs, battery),
        "QB_quarter_charged" => (turned(gibbs, 1.0 / 16.0), battery),
        "QB_half_charged" => (turned(gibbs, 1.0 / 8.0), battery),
        "QB_full_charged" => (turned(gibbs, 1.0 / 4.0), battery),
        "Zeeman_thermal" => (thermal(1.0), energy(1.0)),
        "Zeeman_inverted" => (turned(thermal(1.0), 0.5), energy(1.0)),
        "Zeeman_90" => (turned(thermal(1.0), 0.25), energy(1.0)),
        "hetero_1H13C_thermal" => (thermal(0.25145), energy(0.25145)),
        "dipolar_order" => (order, dipolar),
        "dipolar_charged90" => (turned(order, 0.25), dipolar),
        "pseudopure_00" => {
            let up = |z: &Matrix| (ergoseq::linalg::identity(4) + z).map(|c| c * 0.5);
            (up(&z) * up(&z2), energy(1.0))
        }
        other => panic!("no case {other}"),
    }
}

fn whole(h: Matrix) -> Battery {
    Battery { parts: (0..h.nrows()).map(|k| (k, 0)).collect(), hamiltonian: h }
}

/// Mean and standard deviation.
fn moments(found: &[f64]) -> (f64, f64) {
    let n = found.len() as f64;
    let mean = found.iter().sum::<f64>() / n;
    (mean, (found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// Compares means over seeded runs with those of the reference. Where noise decides, three standard errors of the difference hold
/// 99.7 % of honest comparisons: none may lie beyond four and a half, and no more beyond three than chance has it.
struct Judge {
    compared: usize,
    beyond: Vec<String>,
}

impl Judge {
    fn new() -> Judge {
        Judge { compared: 0, beyond: vec![] }
    }

    fn compare(&mut self, what: &str, found: &[f64], expected: &Value, trials: f64) {
        let Some(expected) = expected.as_f64() else { return };
        let (mean, deviation) = moments(found);
        let error = deviation * (1.0 / found.len() as f64 + 1.0 / trials).sqrt() + 1e-12;
        self.compared += 1;
        let off = (mean - expected) / error;
        assert!(off.abs() < 4.5, "{what}: {mean} for {expected}, {off} standard errors");
        if off.abs() > 3.0 {
            self.beyond.push(format!("{what}: {off}"));
        }
    }

    fn finish(self, at_least: usize) {
        assert!(self.compared >= at_least, "{}", self.compared);
        // The number beyond three is Poisson's with a mean of 0.0027 a comparison, 1.3 of 495; more than this has a chance of 1.4 % there.
        let most = 2 + self.compared / 200;
        assert!(self.beyond.len() <= most, "{} of {}: {:?}", self.beyond.len(), self.compared, self.beyond);
    }
}

#[test]
fn biases_are_those_of_the_reference() {
    const RUNS: u64 = 2000;
    let reference = reference();
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &words("II,IX,IY,XX")).unwrap()).unwrap();
    let mut judge = Judge::new();
    for (name, table) in reference["ergotropy_bias"].as_object().unwrap() {
        let (state, h) = case(name);
        let exact = ergotropy(&state, &h).unwrap();
        let full = capacity(&state, &h).unwrap();
        let levels = hermitian_eigen(&h).unwrap().values;
        let known = hermitian_eigen(&state).unwrap().values;
        let passive: f64 = known.iter().rev().zip(&levels).map(|(r, e)| r * e).sum();
        let y = inverse.amplitudes(&state);
        for row in table["rows"].as_array().unwrap() {
            let snr = row["snr"].as_f64().unwrap();
            let sigma = 0.25 / snr;
            assert!((exact - row["W_true"].as_f64().unwrap()).abs() < 1e-9, "{name}");
            assert!((full - row["Q_true"].as_f64().unwrap()).abs() < 1e-9, "{name}");
            // The reference gives the formula a wider range than we do, and none where levels coincide that count alike.
            if let Some(formula) = row["bias_2nd_order"].as_f64()
                && let [Some(found), _] = second_order(&inverse, &whole(h.clone()), &state, sigma).unwrap()
            {
                assert!((found - formula).abs() < 1e-9, "{name} {snr}: {found} {formula}");
            }
            let runs: Vec<[f64; 5]> = (0..RUNS)
                .into_par_iter()
                .map(|k| {
                    let mut noise = Noise::new(11, k);
                    let mut read = |sigma: f64| -> Matrix {
                        inverse.linear(&y.iter().map(|y| y + sigma * noise.normal()).collect::<Vec<_>>())
                    };
                    let linear = read(sigma);
                    // The reference projects on the nearest state; positivity is not a matter of noise alone.
                    let nearest = nearest_state(&linear).unwrap();
                    [
                        ergotropy(&linear, &h).unwrap() - exact,
                        capacity(&linear, &h).unwrap() - full,
                        ergotropy(&nearest, &h).unwrap() - exact,
                        capacity(&nearest, &h).unwrap() - full,
                        trace_of_product(&linear, &h).re - passive - exact,
                    ]
                })
                .collect();
            let column = |k: usize| -> Vec<f64> { runs.iter().map(|r| r[k]).collect() };
            // 20000 trials; the reference tells the standard error of the first column.
            let trials = (row["std"].as_f64().unwrap() / row["mc_se"].as_f64().unwrap()).powi(2);
            let keys = ["bias", "Q_bias", "ML_bias", "ML_Q_bias", "known_spectrum_bias"];
            for (k, key) in keys.into_iter().enumerate() {
                judge.compare(&format!("{name} {snr} {key}"), &column(k), &row[key], trials);
            }
            // Twice the value less the mean of readings of the state that was read: the bias that the bootstrap leaves.
            if [5.0, 20.0, 100.0].contains(&snr) {
                const REPEATED: u64 = 16;
                let left: Vec<f64> = (0..RUNS)
                    .into_par_iter()
                    .map(|k| {
                        let mut noise = Noise::new(12, k);
                        let mut read = |state: &Matrix| -> Matrix {
                            let ideal = inverse.amplitudes(state);
                            inverse.linear(&ideal.iter().map(|y| y + sigma * noise.normal()).collect::<Vec<_>>())
                        };
                        let found = read(&state);
                        let again: f64 = (0..REPEATED).map(|_| ergotropy(&read(&found), &h).unwrap()).sum();
                        2.0 * ergotropy(&found, &h).unwrap() - again / REPEATED as f64 - exact
                    })
                    .collect();
                judge.compare(&format!("{name} {snr} boot_bias"), &left, &row["boot_bias"], trials / 10.0);
            }
            for (k, key) in [(0, "std"), (1, "Q_std"), (4, "known_spectrum_std")] {
                let (_, deviation) = moments(&column(k));
                let expected = row[key].as_f64().unwrap();
                // A standard deviation of 2000 skewed numbers is good to about 3 %.
                assert!((deviation / expected - 1.0).abs() < 0.1, "{name} {snr} {key}: {deviation} {expected}");
            }
        }
    }
    judge.finish(11 * (7 * 5 + 3));
}

#[test]
fn amplitudes_are_averaged_before_energies_not_behind() {
    const RUNS: u64 = 2000;
    let reference = reference();
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &words("II,IX,IY,XX")).unwrap()).unwrap();
    let table = &reference["average_first"];
    let (state, h) = case(table["scenario"].as_str().unwrap());
    let sigma = 0.25 / table["snr_single"].as_f64().unwrap();
    let y = inverse.amplitudes(&state);
    let mut judge = Judge::new();
    for row in table["rows"].as_array().unwrap() {
        let scans = row["M"].as_u64().unwrap();
        let runs: Vec<(f64, f64)> = (0..RUNS)
            .into_par_iter()
            .map(|k| {
                let mut noise = Noise::new(31, k);
                let mut sum = vec![0.0; y.len()];
                let mut works = 0.0;
                for _ in 0..scans {
                    let noisy: Vec<f64> = y.iter().map(|y| y + sigma * noise.normal()).collect();
                    sum.iter_mut().zip(&noisy).for_each(|(s, x)| *s += x / scans as f64);
                    works += ergotropy(&inverse.linear(&noisy), &h).unwrap() / scans as f64;
                }
                (works, ergotropy(&inverse.linear(&sum), &h).unwrap())
            })
            .collect();
        let column = |f: fn(&(f64, f64)) -> f64| -> Vec<f64> { runs.iter().map(f).collect() };
        // The reference does not tell its number of trials; as many as ours are taken for it.
        judge.compare(&format!("each of {scans}"), &column(|r| r.0), &row["mean_of_W"], RUNS as f64);
        judge.compare(&format!("mean of {scans}"), &column(|r| r.1), &row["W_of_mean"], RUNS as f64);
    }
    judge.finish(8);
}

#[test]
fn flip_errors_of_the_readout_do_what_the_reference_says() {
    let reference = reference();
    let sample = unlike(2, 2);
    let planned = plan_of(&sample, &words("II,IX,IY,XX")).unwrap();
    let inverse = Inverse::of(&planned).unwrap();
    for row in reference["systematic_flip_error"].as_array().unwrap() {
        let (state, h) = case(row["state"].as_str().unwrap());
        let turn = std::f64::consts::FRAC_PI_2 * (1.0 + row["flip_error_percent"].as_f64().unwrap() / 100.0);
        let mut y = Vec::new();
        for word in ["II", "IX", "IY", "XX"] {
            let generator = word.chars().zip(&sample.channels).fold(Matrix::zeros(4, 4), |sum, (letter, channel)| {
                sum + match letter {
                    'X' => channel.x.clone(),
                    'Y' => channel.y.clone(),
                    _ => Matrix::zeros(4, 4),
                }
            });
            let u = exponential(&generator.map(|c| c * C64::new(0.0, -turn)));
            let read = &u * &state * u.adjoint();
            for line in &planned.lines {
                let amplitude = trace_of_product(&read, &line.operator);
                y.extend([amplitude.re, amplitude.im]);
            }
        }
        let found = inverse.linear(&y);
        let smallest = hermitian_eigen(&found).unwrap().values[0];
        let expected = |key: &str| row[key].as_f64().unwrap();
        assert!((ergotropy(&found, &h).unwrap() - expected("W")).abs() < 1e-9, "{row}");
        assert!((smallest - expected("min_eig")).abs() < 1e-9, "{row}");
    }
}

#[test]
fn an_equivalent_pair_is_biased_as_the_reference_says() {
    const RUNS: u64 = 2000;
    let reference = reference();
    let (order, dipolar) = case("dipolar_order");
    let sample = alike(2, dipolar.map(|z| z * TWO_PI * 30e3));
    let planned = plan_of(&sample, &words("x,y,W")).unwrap();
    assert!((planned.condition - 5f64.sqrt()).abs() < 1e-9);
    let inverse = Inverse::of(&planned).unwrap();
    // One line of the thermal state after 90 degrees.
    let (thermal, _) = case("Zeeman_90");
    let line = planned.lines.iter().map(|l| trace_of_product(&thermal, &l.operator).norm()).fold(0.0, f64::max);
    let table = &reference["equivalent_pair_bias"];
    assert!((line - table["line_ref"].as_f64().unwrap()).abs() < 1e-9, "{line}");
    let mut judge = Judge::new();
    for row in table["rows"].as_array().unwrap() {
        let name = row["state"].as_str().unwrap();
        let (state, h) = if name == "dipolar_order" { (order.clone(), dipolar.clone()) } else { case(name) };
        let sigma = line / row["snr"].as_f64().unwrap();
        let (work, full) = (ergotropy(&state, &h).unwrap(), capacity(&state, &h).unwrap());
        let y = inverse.amplitudes(&state);
        let runs: Vec<[f64; 2]> = (0..RUNS)
            .into_par_iter()
            .map(|k| {
                let mut noise = Noise::new(41, k);
                let noisy: Vec<f64> = y.iter().map(|y| y + sigma * noise.normal()).collect();
                let found = inverse.linear(&noisy);
                [ergotropy(&found, &h).unwrap() - work, capacity(&found, &h).unwrap() - full]
            })
            .collect();
        let column = |k: usize| -> Vec<f64> { runs.iter().map(|r| r[k]).collect() };
        judge.compare(&format!("{row} W"), &column(0), &row["bias"], RUNS as f64);
        judge.compare(&format!("{row} Q"), &column(1), &row["Q_bias"], RUNS as f64);
        let (_, deviation) = moments(&column(0));
        assert!((deviation / row["std"].as_f64().unwrap() - 1.0).abs() < 0.1, "{row}: {deviation}");
    }
    judge.finish(20);
}

#[test]
fn counts_give_the_energies_of_what_was_counted() {
    use ergoseq::noise::Noise;
    use ergoseq::tomography::Settings;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/workloads/counted.seq");
    let text = std::fs::read_to_string(file).unwrap();
    let experiment = ergoseq::compile("counted.seq", &text, &mut ergoseq::no_files).unwrap().experiment;
    let options = ergoseq::emulator::Options { states: 4, ..Default::default() };
    let run = ergoseq::emulator::run(&experiment, &Default::default(), &options, &[]).unwrap();
    let mark = &run.marks[0];
    let truth = |key: &str| mark.values.iter().find(|(k, _)| k == key).unwrap().1.unwrap();
    let axes: Vec<Vec<u8>> = (0..9).map(|s| vec![s / 3, s % 3]).collect();
    let settings = Settings::new(2, &axes).unwrap();
    let counts = settings.drawn(mark.state.as_ref().unwrap(), &[4000; 9], &mut Noise::new(3, 0));
    let mut table = String::from("setting, outcome, count\n");
    for (k, count) in counts.iter().enumerate() {
        let letter = |axis: u8| "XYZ".chars().nth(axis as usize).unwrap();
        let setting: String = axes[k / 4].iter().map(|a| letter(*a)).collect();
        table += &format!("{setting}, {:02b}, {count}\n", k % 4);
    }
    let path = std::env::temp_dir().join(format!("ergoseq-counts-{}.csv", std::process::id()));
    std::fs::write(&path, &table).unwrap();
    let ergoseq = |more: &[&str]| {
        std::process::Command::new(env!("CARGO_BIN_EXE_ergoseq"))
            .args(["tomography", file, "--counts"])
            .arg(&path)
            .args(more)
            .output()
            .unwrap()
    };
    for estimator in ["maximum_likelihood", "nearest", "linear"] {
        let done = ergoseq(&["--estimator", estimator, "--repetitions", "60", "--format", "json"]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let found: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        assert_eq!(
            (found["shots"].as_u64(), found["settings"].as_u64(), found["unseen"].as_u64()),
            (Some(36000), Some(9), Some(0))
        );
        for key in ["energy", "ergotropy", "capacity"] {
            let number = |of: &str| found["energies"][key][of].as_f64().unwrap();
            let (value, error) = (number("value"), number("error"));
            // Four standard errors, which are small beside what is measured.
            assert!((value - truth(key)).abs() < 4.0 * error, "{estimator} {key}: {value} +- {error}, {}", truth(key));
            assert!(error > 1e-4 && error < 0.05, "{estimator} {key}: {error}");
        }
    }
    let said = String::from_utf8(ergoseq(&["--repetitions", "20"]).stdout).unwrap();
    assert!(said.contains("9 settings, 36000 shots, maximum_likelihood") && said.contains("ergotropy"), "{said}");
    std::fs::write(&path, "XQ, 00, 3\n").unwrap();
    let refused = ergoseq(&[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("`XQ` is no setting of 2 spins"), "{said}");
    std::fs::remove_file(&path).unwrap();
}
