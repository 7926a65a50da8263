//! States from amplitudes: least squares, the nearest state, the likeliest one.

use super::{pauli, random_state, reference, set_of, spin, unlike, words};
use ergoseq::linalg::{C64, Matrix, real};
use ergoseq::spin::{LocalKind, nearest_state};
use ergoseq::tomography::reconstruct::Inverse;
use ergoseq::tomography::{Method, coordinates, lines, plan, plan_of, reconstruct};
use serde_json::Value;

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
