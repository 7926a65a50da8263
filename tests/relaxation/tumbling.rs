//! Dipolar relaxation by isotropic tumbling against the equations of Bloembergen, Purcell and Pound and of Solomon, and, for three spins,
//! against Redfield's double commutators.

use ergoseq::emulator::{Options, Run};
use ergoseq::hamiltonian::Values;
use ergoseq::linalg::{C64, Matrix, real};
use ergoseq::spin::Isotope;
use std::f64::consts::PI;

/// mu_0/4 pi, and hbar.
const MU: f64 = 1.25663706127e-6 / (4.0 * PI);
const HBAR: f64 = 1.054571817e-34;
const FIELD: f64 = 9.4;

fn gamma(nucleus: &str) -> f64 {
    Isotope::named(nucleus).unwrap().gamma
}

fn run(text: &str) -> Run {
    let compiled =
        ergoseq::compile("test.seq", text, &mut ergoseq::no_files).unwrap_or_else(|r| panic!("{}", r.render()));
    ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()).unwrap_or_else(|e| panic!("{}", e.message))
}

fn value(run: &Run, mark: &str, key: &str) -> f64 {
    let mark = run.marks.iter().find(|m| m.name == mark).unwrap();
    mark.values.iter().find(|(k, _)| k == key).unwrap_or_else(|| panic!("{key} of {:?}", mark.values)).1.unwrap()
}

/// `tau/(1 + w^2 tau^2)`.
fn j(w: f64, tau: f64) -> f64 {
    tau / (1.0 + (w * tau).powi(2))
}

/// A pair of spins at a distance in angstrom, infinitely hot: what it relaxes to is the maximally mixed state.
fn pair(nuclei: [&str; 2], distance: f64, tau: f64, body: &str) -> String {
    let [a, b] = nuclei;
    format!(
        "ergoseq 1\nsystem {{ field {FIELD} T\n temperature 1e15 K\n spin a : {a}\n spin b : {b}\n position a = (0, 0, 0) angstrom\n \
         position b = ({}, {}, {}) angstrom\n relax a, b {{ tau_c = {tau} s }} }}\nsequence {{ {body} }}\n\
         measure {{ za = expectation(2*Iz(a))\n zb = expectation(2*Iz(b))\n xa = expectation(2*Ix(a))\n xb = expectation(2*Ix(b)) }}\n",
        0.3 * distance / 1.3,
        0.4 * distance / 1.3,
        1.2 * distance / 1.3
    )
}

#[test]
fn like_spins_relax_as_bloembergen_purcell_and_pound_say() {
    let w = gamma("1H") * FIELD;
    for tau in [1e-11, 3e-10, 1e-8] {
        let b2 = (MU * gamma("1H").powi(2) * HBAR / (1.6e-10f64).powi(3)).powi(2);
        let r1 = 0.3 * b2 * (j(w, tau) + 4.0 * j(2.0 * w, tau));
        let r2 = 0.15 * b2 * (3.0 * tau + 5.0 * j(w, tau) + 2.0 * j(2.0 * w, tau));
        let time = 0.7 / r2;
        let along = run(&pair(["1H", "1H"], 1.6, tau, &format!("prepare up(a), up(b)\n delay {time} s")));
        let across = run(&pair(
            ["1H", "1H"],
            1.6,
            tau,
            &format!("prepare up(a), up(b)\n pulse 1H 90 deg phase y ideal\n delay {time} s"),
        ));
        let z = value(&along, "end", "za") + value(&along, "end", "zb");
        let x = value(&across, "end", "xa") + value(&across, "end", "xb");
        // Constants agree to their ten digits.
        assert!((z - 2.0 * (-r1 * time).exp()).abs() < 1e-8, "{tau}: {z} {}", 2.0 * (-r1 * time).exp());
        assert!((x - 2.0 * (-r2 * time).exp()).abs() < 1e-8, "{tau}: {x} {}", 2.0 * (-r2 * time).exp());
    }
}

#[test]
fn unlike_spins_relax_as_solomon_says() {
    let (wi, ws) = (gamma("13C") * FIELD, gamma("1H") * FIELD);
    for tau in [2e-11, 1e-9] {
        let b2 = (MU * gamma("13C") * gamma("1H") * HBAR / (1.09e-10f64).powi(3)).powi(2);
        let (zero, two) = (j(wi - ws, tau), j(wi + ws, tau));
        let own = [0.1 * b2 * (zero + 3.0 * j(wi, tau) + 6.0 * two), 0.1 * b2 * (zero + 3.0 * j(ws, tau) + 6.0 * two)];
        let cross = 0.1 * b2 * (6.0 * two - zero);
        // d(I, S)/dt = -[[rI, s], [s, rS]] (I, S), by its eigenvalues.
        let (mean, half) = (0.5 * (own[0] + own[1]), 0.5 * (own[0] - own[1]));
        let root = half.hypot(cross);
        for (preparation, start) in [("up(a), mixed(b)", [1.0, 0.0]), ("mixed(a), down(b)", [0.0, -1.0])] {
            let time = 0.6 / own[0];
            let r = run(&pair(["13C", "1H"], 1.09, tau, &format!("prepare {preparation}\n delay {time} s")));
            let (c, s) = ((root * time).cosh(), (root * time).sinh() / root);
            let decay = (-mean * time).exp();
            let expected = [
                decay * (c * start[0] - s * (half * start[0] + cross * start[1])),
                decay * (c * start[1] - s * (cross * start[0] - half * start[1])),
            ];
            for (key, x) in [("za", expected[0]), ("zb", expected[1])] {
                assert!((value(&r, "end", key) - x).abs() < 1e-8, "{tau} {key}: {} {x}", value(&r, "end", key));
            }
        }
    }
}

#[test]
fn the_thermal_state_is_the_fixed_point() {
    let text = "ergoseq 1\nsystem { field 9.4 T\n temperature 3 mK\n spin a : 1H\n spin b : 13C\n spin c : 1H\n position a = (0, 0, 0) angstrom\n \
         position b = (0, 1, 0.5) angstrom\n position c = (1.5, 0.2, 0) angstrom\n relax a, b, c { tau_c = 0.4 ns } }\n\
         sequence { prepare thermal\n mark start\n delay 30 s }\nmeasure { purity\n a = expectation(2*Iz(a))\n b = expectation(2*Iz(b)) }\n";
    let r = run(text);
    for key in ["purity", "a", "b"] {
        let (start, end) = (value(&r, "start", key), value(&r, "end", key));
        // Rounding of 30 s of relaxation at up to 1e3 a second.
        assert!((start - end).abs() < 1e-9 && end > 0.2, "{key}: {start} {end}");
    }
}

fn spins() -> Vec<[Matrix; 3]> {
    let half = [
        Matrix::from_row_slice(2, 2, &[0.0, 0.5, 0.5, 0.0].map(real)),
        Matrix::from_row_slice(2, 2, &[C64::from(0.0), C64::new(0.0, -0.5), C64::new(0.0, 0.5), C64::from(0.0)]),
        Matrix::from_row_slice(2, 2, &[0.5, 0.0, 0.0, -0.5].map(real)),
    ];
    let one = Matrix::identity(2, 2);
    let at = |site: usize, m: &Matrix| {
        (0..3).fold(Matrix::identity(1, 1), |out, k| out.kronecker(if k == site { m } else { &one }))
    };
    (0..3).map(|site| half.each_ref().map(|m| at(site, m))).collect()
}

#[test]
fn pairs_of_three_spins_interfere() {
    // -1/2 sum over m, pairs p and p': (12/5) j(m w) b b' P2(u.u') [T_m(p)^+, [T_m(p'), rho]], for protons, as a matrix on rho.
    let places = [[0.0, 0.0, 0.0], [1.7, 0.1, 0.0], [0.4, 1.5, 0.3]];
    let tau = 0.8e-9;
    let w = gamma("1H") * FIELD;
    let s = spins();
    let i = C64::new(0.0, 1.0);
    let tensors = |a: usize, b: usize| -> [Matrix; 5] {
        let [ax, ay, az] = &s[a];
        let [bx, by, bz] = &s[b];
        let (ap, bp) = (ax + ay.map(|c| c * i), bx + by.map(|c| c * i));
        let (am, bm) = (ap.adjoint(), bp.adjoint());
        let dot = ax * bx + ay * by + az * bz;
        [
            (&am * &bm).map(|c| c * 0.5),
            (&am * bz + az * &bm).map(|c| c * 0.5),
            ((az * bz).map(|c| c * 3.0) - dot).map(|c| c / 6f64.sqrt()),
            (&ap * bz + az * &bp).map(|c| c * -0.5),
            (&ap * &bp).map(|c| c * 0.5),
        ]
    };
    let one = Matrix::identity(8, 8);
    // [A, .] on a matrix stacked by rows.
    let commutator = |a: &Matrix| a.kronecker(&one) - one.kronecker(&a.transpose());
    let pairs = [(0, 1), (0, 2), (1, 2)];
    let direction = |(a, b): (usize, usize)| -> ([f64; 3], f64) {
        let d: [f64; 3] = std::array::from_fn(|k| places[b][k] - places[a][k]);
        let r = d.iter().map(|x| x * x).sum::<f64>().sqrt();
        (d.map(|x| x / r), -MU * gamma("1H").powi(2) * HBAR / (r * 1e-10).powi(3))
    };
    let mut generator = Matrix::zeros(64, 64);
    for p in pairs {
        for q in pairs {
            let ((u, b), (v, c)) = (direction(p), direction(q));
            let cosine: f64 = u.iter().zip(v).map(|(x, y)| x * y).sum();
            let p2 = 1.5 * cosine * cosine - 0.5;
            for (m, (first, second)) in tensors(p.0, p.1).iter().zip(&tensors(q.0, q.1)).enumerate() {
                let rate = 2.4 * j((m as f64 - 2.0) * w, tau) * b * c * p2;
                let double = commutator(&first.adjoint()) * commutator(second);
                generator -= double.map(|x| x * (0.5 * rate));
            }
        }
    }
    let time = 0.5;
    // |up><up| |down><down| 1/2, turned by 40 degrees about y.
    let diagonal = |up: f64, down: f64| Matrix::from_row_slice(2, 2, &[up, 0.0, 0.0, down].map(real));
    let before = diagonal(1.0, 0.0).kronecker(&diagonal(0.0, 1.0)).kronecker(&diagonal(0.5, 0.5));
    let y = &s[0][1] + &s[1][1] + &s[2][1];
    let pulse = y.map(|c| c * C64::new(0.0, -40f64.to_radians())).exp();
    let rho = &pulse * before * pulse.adjoint();
    let stacked = Matrix::from_fn(64, 1, |k, _| rho[(k / 8, k % 8)]);
    let after = generator.map(|x| x * time).exp() * stacked;
    let after = Matrix::from_fn(8, 8, |a, b| after[(a * 8 + b, 0)]);
    let place = |k: usize| format!("({}, {}, {}) angstrom", places[k][0], places[k][1], places[k][2]);
    let text = format!(
        "ergoseq 1\nsystem {{ field {FIELD} T\n temperature 1e15 K\n spin s[3] : 1H\n position s[1] = {}\n position s[2] = {}\n \
         position s[3] = {}\n relax s {{ tau_c = {tau} s }} }}\nsequence {{ prepare up(s[1]), down(s[2]), mixed(s[3])\n pulse 1H 40 deg phase y ideal\n delay {time} s }}\n\
         measure {{ z1 = expectation(2*Iz(s[1]))\n z2 = expectation(2*Iz(s[2]))\n z3 = expectation(2*Iz(s[3]))\n x1 = expectation(2*Ix(s[1]))\n x3 = expectation(2*Ix(s[3]))\n zz = expectation(4*Iz(s[1])*Iz(s[2]))\n purity }}\n",
        place(0),
        place(1),
        place(2)
    );
    let r = run(&text);
    let mean = |m: Matrix| (m * &after).trace().re;
    let twice = |m: &Matrix| m.map(|c| c * 2.0);
    let expected = [
        ("z1", mean(twice(&s[0][2]))),
        ("z2", mean(twice(&s[1][2]))),
        ("z3", mean(twice(&s[2][2]))),
        ("x1", mean(twice(&s[0][0]))),
        ("x3", mean(twice(&s[2][0]))),
        ("zz", mean((&s[0][2] * &s[1][2]).map(|c| c * 4.0))),
        ("purity", (&after * &after).trace().re),
    ];
    for (key, x) in expected {
        assert!((value(&r, "end", key) - x).abs() < 1e-8, "{key}: {} {x}", value(&r, "end", key));
    }
}

#[test]
fn interactions_of_a_fixed_orientation_are_refused_beside_tumbling() {
    let said = |line: &str| {
        let text = pair(["1H", "2H"], 1.6, 1e-11, "prepare thermal\n delay 1 s")
            .replace("spin b : 2H", &format!("spin b : 2H\n {line}"));
        let found = ergoseq::compile("test.seq", &text, &mut ergoseq::no_files);
        match found {
            Err(refused) => refused.render(),
            Ok(compiled) => match ergoseq::run(&compiled.experiment, &Values::new(), &Options::default()) {
                Ok(_) => String::new(),
                Err(e) => e.message.clone(),
            },
        }
    };
    for line in ["dipolar all", "csa a = 10 ppm", "quadrupole b = 100 kHz", "dipolar a b = 1 kHz along (0, 0, 1)"] {
        assert!(said(line).contains("isotropic tumbling averages"), "{line}: {}", said(line));
    }
    assert_eq!(said("dipolar a b = 3 Hz"), "");
    assert_eq!(said("j a b = 3 Hz"), "");
}
