//! Tomography beside the numbers of an independent program and its own laws.

use ergoseq::linalg::{C64, Matrix, exponential, hermitian_eigen, real};
use ergoseq::metrics::ergotropy;
use ergoseq::noise::Noise;
use ergoseq::spin::{Basis, LocalKind, Operator, Site, nearest_state};
use ergoseq::tomography::estimate::{Battery, second_order};
use ergoseq::tomography::reconstruct::Inverse;
use ergoseq::tomography::{Method, Plan, PlanError, Receiver, Sample, energies, lines, plan, plan_of, reconstruct};
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
    Basis { sites: (0..spins).map(|k| Site::spin(format!("s{k}"), 1, None)).collect() }
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
    let iz = |k: usize| spin(2, LocalKind::Iz, k);
    let state = iz(0) + iz(1);
    let found = plan_of(&sample, &words("II,IX,IY,XX")).unwrap();
    let inverse = Inverse::of(&found).unwrap();
    let y = inverse.amplitudes(&state);
    let amplitudes = &reference["line_amplitudes"]["amps"]["thermal_dev (I1z+I2z)"];
    for (r, word) in ["II", "IX", "IY", "XX"].into_iter().enumerate() {
        for (c, name) in ["spin1", "spin2"].into_iter().enumerate() {
            for partner in 0..2 {
                for part in 0..2 {
                    let expected = amplitudes[word][name][partner][part].as_f64().unwrap();
                    // Partner up stands at +J/2, which is the second line.
                    let at = ((r * 2 + c) * 2 + (1 - partner)) * 2 + part;
                    assert!((y[at] - expected).abs() < 1e-12, "{word} {name} {partner} {part}: {}", y[at]);
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

/// States and battery Hamiltonians of the reference.
fn case(name: &str) -> (Matrix, Matrix) {
    let ([x, x2], [y, y2], [z, z2]) = (pauli(LocalKind::Ix), pauli(LocalKind::Iy), pauli(LocalKind::Iz));
    let quarter = ergoseq::linalg::identity(4).map(|z| z * 0.25);
    let term = |kind: LocalKind| spin(2, kind, 0) * spin(2, kind, 1);
    let dipolar = term(LocalKind::Iz).map(|z| z * 2.0) - term(LocalKind::Ix) - term(LocalKind::Iy);
    if name.starts_with("QB") {
        // H_QB = (Delta/3)(2 ZZ - XX - YY) + eps (XX - YY), Delta = 1, eps = 1/2.
        let h = (&z * &z2).map(|c| c * (2.0 / 3.0)) - (&x * &x2).map(|c| c / 3.0) - (&y * &y2).map(|c| c / 3.0)
            + (&x * &x2).map(|c| c * 0.5)
            - (&y * &y2).map(|c| c * 0.5);
        let eigen = hermitian_eigen(&h).unwrap();
        let gibbs = eigen.function(|e| real((-e).exp()));
        let gibbs = gibbs.map(|c| c / gibbs.trace().re);
        let angle = match name {
            "QB_half_charged" => std::f64::consts::PI / 8.0,
            "QB_full_charged" => std::f64::consts::PI / 4.0,
            _ => 0.0,
        };
        let u = exponential(&(x + x2).map(|c| c * C64::new(0.0, -angle)));
        return (&u * gibbs * u.adjoint(), h);
    }
    let order = quarter - dipolar.map(|c| c * 0.5);
    if name == "dipolar_charged90" {
        let angle = std::f64::consts::FRAC_PI_4;
        let u = exponential(&(x + x2).map(|c| c * C64::new(0.0, -angle)));
        return (&u * order * u.adjoint(), dipolar);
    }
    (order, dipolar)
}

fn whole(h: Matrix) -> Battery {
    Battery { parts: (0..h.nrows()).map(|k| (k, 0)).collect(), hamiltonian: h }
}

#[test]
fn biases_are_those_of_the_reference() {
    const RUNS: u64 = 2000;
    let reference = reference();
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &words("II,IX,IY,XX")).unwrap()).unwrap();
    for name in ["QB_gibbs_uncharged", "QB_half_charged", "QB_full_charged", "dipolar_order", "dipolar_charged90"] {
        let (state, h) = case(name);
        let exact = ergotropy(&state, &h).unwrap();
        for row in reference["ergotropy_bias"][name]["rows"].as_array().unwrap() {
            let snr = row["snr"].as_f64().unwrap();
            let sigma = 0.25 / snr;
            assert!((exact - row["W_true"].as_f64().unwrap()).abs() < 1e-9, "{name}");
            if let Some(formula) = row["bias_2nd_order"].as_f64()
                && name.starts_with("QB")
            {
                let (found, _) = second_order(&inverse, &whole(h.clone()), &state, sigma).unwrap().unwrap();
                assert!((found - formula).abs() < 1e-9, "{name} {snr}: {found} {formula}");
            }
            if snr != 20.0 && snr != 100.0 {
                continue;
            }
            let y = inverse.amplitudes(&state);
            let found: Vec<f64> = (0..RUNS)
                .map(|k| {
                    let mut noise = Noise::new(11, k);
                    let noisy: Vec<f64> = y.iter().map(|y| y + sigma * noise.normal()).collect();
                    ergotropy(&inverse.linear(&noisy), &h).unwrap() - exact
                })
                .collect();
            let mean = found.iter().sum::<f64>() / RUNS as f64;
            let deviation = (found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (RUNS - 1) as f64).sqrt();
            // Three standard errors, of ours and of the reference's 20000 trials.
            let within = 3.0 * deviation * (1.0 / RUNS as f64 + 1.0 / 20000.0).sqrt();
            let expected = row["bias"].as_f64().unwrap();
            assert!((mean - expected).abs() < within, "{name} {snr}: {mean} {expected} {within}");
            let spread = row["std"].as_f64().unwrap();
            assert!((deviation / spread - 1.0).abs() < 0.08, "{name} {snr}: {deviation} {spread}");
        }
    }
}

/// How often the intervals of a charged battery hold the truth, and the bias of the corrected value.
#[test]
fn intervals_of_a_charged_battery_hold_the_truth_as_often_as_they_say() {
    const RUNS: u64 = 400;
    let inverse = Inverse::of(&plan_of(&unlike(2, 2), &words("II,IX,IY,XX")).unwrap()).unwrap();
    let (state, h) = case("dipolar_charged90");
    let exact = ergotropy(&state, &h).unwrap();
    let battery = whole(h);
    let sigma = 0.25 / 20.0;
    let y = inverse.amplitudes(&state);
    let (mut in_68, mut in_95, mut corrected, mut errors) = (0, 0, 0.0, 0.0);
    for k in 0..RUNS {
        let mut noise = Noise::new(23, k);
        let noisy: Vec<f64> = y.iter().map(|y| y + sigma * noise.normal()).collect();
        let found = energies(&inverse, &battery, &noisy, sigma, Method::Linear, (200, k)).unwrap();
        let inside = |(low, high): (f64, f64)| low <= exact && exact <= high;
        in_68 += u32::from(inside(found.ergotropy.interval_68));
        in_95 += u32::from(inside(found.ergotropy.interval_95));
        corrected += (found.ergotropy.corrected - exact) / RUNS as f64;
        errors += found.ergotropy.error / RUNS as f64;
        assert!(found.cross_fit.0 < found.ergotropy.value + 1e-12);
    }
    // Of 400 runs the shares have standard errors of 2.3 % and 1 %.
    let share = |n: u32| f64::from(n) / RUNS as f64;
    assert!((share(in_68) - 0.683).abs() < 0.07, "{}", share(in_68));
    assert!((share(in_95) - 0.954).abs() < 0.035, "{}", share(in_95));
    assert!(corrected.abs() < 0.2 * errors, "{corrected} {errors}");
}
