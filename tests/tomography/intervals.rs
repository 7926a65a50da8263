//! How often confidence intervals of energies hold the truth: passive, mixed, nearly pure and pure states, from counts and amplitudes.

use crate::random;
use ergoseq::linalg::{C64, Matrix, hermitian_eigen, real};
use ergoseq::metrics::{capacity, ergotropy};
use ergoseq::noise::Noise;
use ergoseq::spin::{Basis, LocalKind, Operator, Site};
use ergoseq::tomography::estimate::Battery;
use ergoseq::tomography::reconstruct::Inverse;
use ergoseq::tomography::{Energies, Estimator, Method, Receiver, Sample, Settings, counted_energies, energies, plan};
use rayon::prelude::*;

fn spin(spins: usize, kind: LocalKind, site: usize) -> Matrix {
    let basis = Basis::new((0..spins).map(|k| Site::spin(format!("s{k}"), 1, None)).collect());
    Operator::of(&basis, kind, site).unwrap().matrix()
}

/// Spins of unlike Larmor frequencies with dipolar couplings of neighbours.
fn hamiltonian(spins: usize) -> Matrix {
    let mut h = Matrix::zeros(1 << spins, 1 << spins);
    for k in 0..spins {
        h += spin(spins, LocalKind::Iz, k) * real([1.0, 0.7, 0.45][k]);
        if k > 0 {
            for (kind, strength) in [(LocalKind::Ix, -0.2), (LocalKind::Iy, -0.2), (LocalKind::Iz, 0.4)] {
                h += spin(spins, kind, k - 1) * spin(spins, kind, k) * real(strength);
            }
        }
    }
    h
}

fn whole(h: Matrix) -> Battery {
    let n = h.nrows();
    Battery { hamiltonian: h, parts: (0..n).map(|k| (k, 0)).collect() }
}

/// The readouts of spins on channels of their own.
fn inverse(spins: usize) -> Inverse {
    let mut hamiltonian = Matrix::zeros(1 << spins, 1 << spins);
    for a in 0..spins {
        for b in a + 1..spins {
            let j = std::f64::consts::TAU * (100.0 + 37.0 * (a * spins + b) as f64);
            hamiltonian += spin(spins, LocalKind::Iz, a) * spin(spins, LocalKind::Iz, b) * real(j);
        }
    }
    let channel = |k: usize| Receiver {
        nucleus: format!("{k}"),
        x: spin(spins, LocalKind::Ix, k),
        y: spin(spins, LocalKind::Iy, k),
        detected: true,
        resolution: 0.0,
    };
    let sample = Sample { hamiltonian, channels: (0..spins).map(channel).collect() };
    Inverse::of(&plan(&sample).unwrap()).unwrap()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// The thermal state: passive.
    Thermal,
    /// The maximally mixed state: passive, all eigenvalues alike.
    Even,
    /// Of full rank, another one each time.
    Mixed,
    /// 3 % of the maximally mixed state in a pure one.
    NearlyPure,
    Pure,
    /// The ground state: pure and passive.
    Ground,
}

const STATES: [State; 6] = [State::Thermal, State::Even, State::Mixed, State::NearlyPure, State::Pure, State::Ground];

fn state(kind: State, h: &Matrix, seed: u64) -> Matrix {
    let n = h.nrows();
    let levels = hermitian_eigen(h).unwrap();
    let even = ergoseq::linalg::identity(n) * real(1.0 / n as f64);
    match kind {
        State::Even => even,
        State::Mixed => random::state(n, seed),
        State::Pure => random::pure(n, seed),
        State::NearlyPure => random::pure(n, seed) * real(0.97) + even * real(0.03),
        State::Ground => levels.vectors.column(0) * levels.vectors.column(0).adjoint(),
        State::Thermal => {
            let weights = levels.function(|e| real((-e).exp()));
            let sum: C64 = weights.trace();
            weights.map(|x| x / sum)
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Reading {
    /// So many shots a setting.
    Counts(u64),
    /// Amplitudes with noise of this standard deviation.
    Amplitudes(f64),
}

struct Lab {
    battery: Battery,
    inverse: Inverse,
    settings: Settings,
    sets: usize,
}

impl Lab {
    fn new(spins: usize) -> Lab {
        let sets = 3usize.pow(spins as u32);
        let axes: Vec<Vec<u8>> =
            (0..sets).map(|k| (0..spins).map(|s| (k / 3usize.pow(s as u32) % 3) as u8).collect()).collect();
        Lab {
            battery: whole(hamiltonian(spins)),
            inverse: inverse(spins),
            settings: Settings::new(spins, &axes).unwrap(),
            sets,
        }
    }

    fn measure(&self, truth: &Matrix, reading: Reading, repetitions: usize, seed: u64) -> Energies {
        let mut noise = Noise::new(seed, 0);
        match reading {
            Reading::Counts(shots) => {
                let counts = self.settings.drawn(truth, &vec![shots; self.sets], &mut noise);
                let how = (repetitions, seed ^ 0xC0DE);
                counted_energies(&self.settings, &self.battery, &counts, Estimator::Linear, how).unwrap().1
            }
            Reading::Amplitudes(sigma) => {
                let read =
                    self.inverse.amplitudes(truth).iter().map(|y| y + sigma * noise.normal()).collect::<Vec<_>>();
                let how = (repetitions, seed ^ 0xC0DE);
                energies(&self.inverse, &self.battery, &read, sigma, Method::Linear, how).unwrap()
            }
        }
    }

    /// The shares of trials in which the intervals of 95 % and 68 % of energy, ergotropy and capacity hold the truth.
    fn coverage(&self, kind: State, reading: Reading, repetitions: usize, trials: u64) -> [[f64; 3]; 2] {
        let h = &self.battery.hamiltonian;
        let held: Vec<[[bool; 3]; 2]> = (0..trials)
            .into_par_iter()
            .map(|seed| {
                let truth = state(kind, h, seed);
                let energy = ergoseq::linalg::trace_of_product(&truth, h).re;
                let truths = [energy, ergotropy(&truth, h).unwrap(), capacity(&truth, h).unwrap()];
                let e = self.measure(&truth, reading, repetitions, seed);
                let all = [e.energy, e.ergotropy, e.capacity];
                let holds = |(low, high): (f64, f64), x: f64| low - 1e-9 <= x && x <= high + 1e-9;
                [
                    [0, 1, 2].map(|k| holds(all[k].interval_95, truths[k])),
                    [0, 1, 2].map(|k| holds(all[k].interval_68, truths[k])),
                ]
            })
            .collect();
        [0, 1].map(|level| [0, 1, 2].map(|k| held.iter().filter(|h| h[level][k]).count() as f64 / trials as f64))
    }
}

/// Some rows of the table. Of 200 trials at 95 % the share has a standard deviation of 1.5 %, of 100 trials 2.2 %: three of them below
/// 95 % are allowed. At the boundary only one end can miss the truth, so that no upper limit below 1 can be asked for; that intervals
/// are no wider than they must be is asked of those of 68 %, which hold the truth in 68 % of all trials inside of the boundary.
#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    for (spins, kind, reading, trials, inside) in [
        (1, State::Thermal, Reading::Amplitudes(0.02), 200, [true, false, true]),
        (1, State::NearlyPure, Reading::Counts(2000), 200, [true, true, true]),
        (1, State::Pure, Reading::Amplitudes(0.02), 200, [true, true, false]),
        (2, State::Mixed, Reading::Amplitudes(0.02), 100, [true, true, true]),
    ] {
        let [at_95, at_68] = Lab::new(spins).coverage(kind, reading, 99, trials);
        let allowed = |p: f64| 3.0 * (p * (1.0 - p) / trials as f64).sqrt();
        for k in 0..3 {
            let name = format!("{spins} {kind:?} {reading:?} {k}: {at_95:?} {at_68:?}");
            assert!(at_95[k] > 0.95 - allowed(0.95), "{name}");
            assert!(at_68[k] > 0.683 - allowed(0.683), "{name}");
            assert!(!inside[k] || at_68[k] < 0.683 + allowed(0.683) + 0.03, "{name}");
        }
    }
}

/// Three spins near the maximally mixed state have intervals of 95 % that hold the ergotropy in 87 % of the trials (240 of them, 100 and
/// 2000 counts): the result says so.
#[test]
fn spectra_without_resolved_gaps_are_noted() {
    let lab = Lab::new(3);
    let noted = |kind| {
        !lab.measure(&state(kind, &lab.battery.hamiltonian, 1), Reading::Counts(2000), 40, 1).conditions.is_empty()
    };
    assert!(noted(State::Even));
    let two = Lab::new(2);
    let quiet = two.measure(&state(State::Even, &two.battery.hamiltonian, 1), Reading::Counts(2000), 40, 1);
    assert!(quiet.conditions.is_empty(), "{:?}", quiet.conditions);
}

#[test]
fn intervals_do_not_depend_on_the_estimator_or_the_number_of_threads() {
    let lab = Lab::new(2);
    let counts = lab.settings.drawn(&random::state(4, 3), &[500; 9], &mut Noise::new(5, 0));
    let of = |estimator| counted_energies(&lab.settings, &lab.battery, &counts, estimator, (60, 1)).unwrap().1;
    let plain = of(Estimator::Linear);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(pool.install(|| of(Estimator::Linear)), plain);
    assert_eq!(of(Estimator::MaximumLikelihood).ergotropy.interval_95, plain.ergotropy.interval_95);
    // Fewer repetitions than a tail has readings are said to be too few.
    let few = counted_energies(&lab.settings, &lab.battery, &counts, Estimator::Linear, (20, 1)).unwrap().1;
    assert!(plain.conditions.is_empty() && few.conditions.len() == 1, "{few:?}");
}

/// The whole table: `STUDY=1,2,3 TRIALS=500 cargo test --release --test tomography intervals -- --ignored --nocapture`.
#[test]
#[ignore = "minutes; it prints the table of coverages"]
fn table_of_coverages() {
    let number = |name: &str, default: &str| std::env::var(name).unwrap_or(default.into());
    let trials: u64 = number("TRIALS", "500").parse().unwrap();
    println!("spins state reading: coverage of 95 % intervals of energy, ergotropy, capacity; of 68 % intervals");
    for spins in number("STUDY", "1,2").split(',').map(|s| s.parse::<usize>().unwrap()) {
        let lab = Lab::new(spins);
        for kind in STATES {
            for reading in
                [Reading::Counts(100), Reading::Counts(2000), Reading::Amplitudes(0.02), Reading::Amplitudes(0.002)]
            {
                let [at_95, at_68] = lab.coverage(kind, reading, 199, trials);
                println!("{spins} {kind:?} {reading:?}: {at_95:.3?} {at_68:.3?}");
            }
        }
    }
}
