//! Energies of a measured state, with uncertainties.
//!
//! Ergotropy and capacity are convex in the state, so noise increases them on average: an empty battery appears charged. For a state with
//! non-degenerate eigenvalues r (descending) and levels e (ascending), to second order in the noise
//! `E[W] - W = sum_(k<j) s_kj^2 (e_j - e_k)/(r_k - r_j)`, `s_kj^2 = E|<k|d rho|j>|^2`. Reported are the plain value, this bias, the
//! standard deviation of repeated reconstructions (parametric bootstrap), and the median-unbiased value and confidence intervals from tests
//! of possible true states ([`super::interval`]).

#![expect(
    clippy::indexing_slicing,
    reason = "there is one eigenvalue and one level per battery state, and indices are within this number"
)]

pub use super::battery::Battery;
use super::coordinates::coordinates;
use super::count_batch::CountedBatch;
use super::counts::{Counted, Estimator, Settings};
use super::interval::{FEWEST, Readings, Tested, Tests};
use super::quantity::{Functional, Kind};
use super::reconstruct::{Inverse, Method, reconstruct};
use crate::lanes::{Lane, eigenvalues};
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen};
use crate::noise::Noise;
use rayon::prelude::*;

/// An energy of a battery, estimated from a measured state.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Value for the reconstructed state.
    pub value: f64,
    /// Standard deviation of the value.
    pub error: f64,
    /// Bias from the second-order formula; `None` if eigenvalues are too close for it.
    pub bias: Option<f64>,
    /// Median-unbiased value.
    pub corrected: f64,
    /// Confidence interval of 68.3 %.
    pub interval_68: (f64, f64),
    /// Confidence interval of 95 %.
    pub interval_95: (f64, f64),
}

impl Quantity {
    /// Multiplies by a unit conversion factor.
    pub fn times(self, scale: f64) -> Quantity {
        let both = |(low, high): (f64, f64)| (low * scale, high * scale);
        Quantity {
            value: self.value * scale,
            error: self.error * scale,
            bias: self.bias.map(|b| b * scale),
            corrected: self.corrected * scale,
            interval_68: both(self.interval_68),
            interval_95: both(self.interval_95),
        }
    }
}

/// Energies of a battery, estimated from a measured state.
#[derive(Debug, Clone, PartialEq)]
pub struct Energies {
    /// Energy `Tr[rho H]`.
    pub energy: Quantity,
    /// Ergotropy.
    pub ergotropy: Quantity,
    /// Capacity.
    pub capacity: Quantity,
    /// Conditions for the validity of the intervals, or reasons why they are not calibrated; may be empty.
    pub conditions: Vec<String>,
}

impl Energies {
    /// Multiplies by a unit conversion factor.
    pub fn times(self, scale: f64) -> Energies {
        let [energy, ergotropy, capacity] = [self.energy, self.ergotropy, self.capacity].map(|q| q.times(scale));
        Energies { energy, ergotropy, capacity, conditions: self.conditions }
    }
}

/// Variance of `Tr[rho A]` in the least-squares state, for noise of variance 1.
fn variance(inverse: &Inverse, operator: &Matrix) -> f64 {
    let u = coordinates(operator);
    inverse.spread(&u).iter().zip(&u).map(|(x, y)| x * y).sum()
}

/// Second-order biases of ergotropy and capacity; `None` if contributing eigenvalues are too close for the formula.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn second_order(
    inverse: &Inverse,
    battery: &Battery,
    state: &Matrix,
    sigma: f64,
) -> Result<[Option<f64>; 2], LinalgError> {
    let own = hermitian_eigen(&battery.reduce(state))?;
    let levels = hermitian_eigen(&battery.hamiltonian)?.values;
    let n = levels.len();
    // Coefficients of the eigenvalues in descending order: in the passive state the largest occupies the lowest level.
    let passive: Vec<f64> = levels.iter().map(|e| -e).collect();
    let spread: Vec<f64> = (0..n).map(|k| levels[n - 1 - k] - levels[k]).collect();
    Ok([passive, spread].map(|list| bias(inverse, battery, &own, sigma, &list)))
}

/// Bias of `sum_k l_k r_k`, with r the eigenvalues in descending order.
fn bias(inverse: &Inverse, battery: &Battery, own: &Eigen, sigma: f64, list: &[f64]) -> Option<f64> {
    // Eigenvalues closer than this many standard deviations count as unresolved.
    const APART: f64 = 3.0;
    let n = list.len();
    let range = list.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let mut sum = 0.0;
    for k in 0..n {
        for j in k + 1..n {
            let spacing = list[k] - list[j];
            // Eigenvalues with equal coefficients may be arbitrarily close.
            if spacing.abs() <= 1e-9 * range {
                continue;
            }
            let (upper, lower) = (n - 1 - k, n - 1 - j);
            let (a, b) = (own.vectors.column(upper), own.vectors.column(lower));
            let turn = Matrix::from_fn(n, n, |r, c| b[r] * a[c].conj());
            let adjoint = turn.adjoint();
            let even = (&turn + &adjoint).map(|z| z * 0.5);
            let odd = (&turn - &adjoint).map(|z| z * 0.5 / crate::linalg::I);
            let s2 =
                sigma * sigma * (variance(inverse, &battery.embed(&even)) + variance(inverse, &battery.embed(&odd)));
            let gap = own.values[upper] - own.values[lower];
            if gap < APART * s2.sqrt() {
                return None;
            }
            sum += s2 * spacing / gap;
        }
    }
    Some(sum)
}

/// Readings: line amplitudes with white noise.
struct Amplitudes<'a> {
    inverse: &'a Inverse,
    /// Contribution of the noise of every repetition to the least-squares state.
    noise: Vec<Matrix>,
}

impl Readings for Amplitudes<'_> {
    type Ideal = Matrix;

    fn ideal(&self, state: &Matrix) -> Matrix {
        self.inverse.linear(&self.inverse.amplitudes(state))
    }

    fn read(&self, ideal: &Matrix, repetition: usize) -> Matrix {
        self.noise.get(repetition).map_or_else(|| ideal.clone(), |noise| ideal + noise)
    }

    fn resolution(&self) -> f64 {
        0.0
    }
}

/// Readings: single-shot counts.
struct Shots<'a> {
    settings: &'a Settings,
    shots: Vec<u64>,
    seed: u64,
}

impl Readings for Shots<'_> {
    type Ideal = Vec<f64>;

    fn ideal(&self, state: &Matrix) -> Vec<f64> {
        self.settings.probabilities(state)
    }

    fn read(&self, ideal: &Vec<f64>, repetition: usize) -> Matrix {
        self.settings.plain(&self.drawn(ideal, repetition))
    }

    fn resolution(&self) -> f64 {
        1.0 / self.shots.iter().sum::<u64>().max(1) as f64
    }
}

impl Shots<'_> {
    fn drawn(&self, ideal: &[f64], repetition: usize) -> Vec<u64> {
        self.settings.counts_of(ideal, &self.shots, &mut Noise::new(self.seed, repetition as u64 + 1))
    }
}

/// Energy, ergotropy and capacity as functionals of the battery's state.
fn functionals(battery: &Battery) -> Result<[Functional; 3], LinalgError> {
    let of = |kind| Functional::new(kind, &battery.hamiltonian);
    Ok([of(Kind::Energy)?, of(Kind::Ergotropy)?, of(Kind::Capacity)?])
}

fn values(functionals: &[Functional; 3], own: &Matrix) -> Result<[f64; 3], LinalgError> {
    let [energy, ergotropy, capacity] = functionals;
    Ok([energy.value(own)?, ergotropy.value(own)?, capacity.value(own)?])
}

/// The values for all reconstructed states, in order.
fn values_of_all(
    functionals: &[Functional; 3],
    battery: &Battery,
    all: &[CountedBatch],
) -> Result<Vec<[f64; 3]>, LinalgError> {
    let whole = battery.is_whole();
    let mut out = Vec::new();
    for batch in all {
        let reduced = if whole { None } else { Some(battery.reduce_all(&batch.states)) };
        let mut own = batch.eigenvalues.clone();
        if let Some(reduced) = &reduced {
            own = vec![Lane::zero(); reduced.dimension()];
            let solved = eigenvalues(&mut reduced.clone(), &mut own);
            if solved.iter().take(batch.sets).any(|done| !done) {
                return Err(LinalgError::NotConverged);
            }
        }
        let found = functionals.each_ref().map(|f| f.values(reduced.as_ref().unwrap_or(&batch.states), &own));
        out.extend((0..batch.sets).map(|l| found.map(|value| value.0[l])));
    }
    Ok(out)
}

/// Sample standard deviations.
fn deviations(all: &[[f64; 3]]) -> [f64; 3] {
    let parts: [fn(&[f64; 3]) -> f64; 3] = [|x| x[0], |x| x[1], |x| x[2]];
    parts.map(|part| {
        let mean = all.iter().map(part).sum::<f64>() / all.len().max(1) as f64;
        let squares = all.iter().map(|x| (part(x) - mean).powi(2)).sum::<f64>();
        (squares / (all.len() as f64 - 1.0).max(1.0)).sqrt()
    })
}

fn together(
    values: [f64; 3],
    errors: [f64; 3],
    tested: [Tested; 3],
    biases: [Option<f64>; 3],
    (repetitions, doubt): (usize, Option<String>),
) -> Energies {
    let quantity = |value: f64, error: f64, bias: Option<f64>, tested: Tested| Quantity {
        value,
        error,
        bias,
        corrected: tested.median,
        interval_68: tested.interval_68,
        interval_95: tested.interval_95,
    };
    let ([v0, v1, v2], [e0, e1, e2], [b0, b1, b2], [t0, t1, t2]) = (values, errors, biases, tested);
    let (energy, ergotropy) = (quantity(v0, e0, b0, t0), quantity(v1, e1, b1, t1));
    let capacity = quantity(v2, e2, b2, t2);
    let few = repetitions < FEWEST;
    let few = few.then(|| format!("not calibrated: {repetitions} repetitions are fewer than {FEWEST}"));
    Energies { energy, ergotropy, capacity, conditions: few.into_iter().chain(doubt).collect() }
}

/// Energies of the battery in a state reconstructed from amplitudes with noise of standard deviation `sigma`; errors and intervals from the
/// given number of bootstrap repetitions.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn energies(
    inverse: &Inverse,
    battery: &Battery,
    amplitudes: &[f64],
    sigma: f64,
    method: Method,
    (repetitions, seed): (usize, u64),
) -> Result<Energies, LinalgError> {
    let functionals = functionals(battery)?;
    let state = reconstruct(inverse, amplitudes, sigma, method)?.state;
    let found = values(&functionals, &battery.reduce(&state))?;
    if sigma <= 0.0 {
        let exact = found.map(|x| Tested { median: x, interval_68: (x, x), interval_95: (x, x) });
        return Ok(together(found, [0.0; 3], exact, [Some(0.0); 3], (FEWEST, None)));
    }
    let noise_of = |k: usize| -> Vec<f64> {
        let mut noise = Noise::new(seed, k as u64 + 1);
        amplitudes.iter().map(|_| sigma * noise.normal()).collect()
    };
    let even = inverse.linear(&vec![0.0; amplitudes.len()]);
    let noise = (0..repetitions).into_par_iter().map(|k| inverse.linear(&noise_of(k)) - &even).collect();
    let readings = Amplitudes { inverse, noise };
    let tests = Tests::new(&readings, battery, &inverse.linear(amplitudes), repetitions)?;
    let [energy, ergotropy, capacity] = &functionals;
    let tested = [tests.of(energy)?, tests.of(ergotropy)?, tests.of(capacity)?];
    let ideal = inverse.amplitudes(&tests.matched);
    let again: Vec<[f64; 3]> = (0..repetitions)
        .into_par_iter()
        .map(|k| {
            let noisy: Vec<f64> = ideal.iter().zip(noise_of(k)).map(|(y, n)| y + n).collect();
            values(&functionals, &battery.reduce(&reconstruct(inverse, &noisy, sigma, method)?.state))
        })
        .collect::<Result<_, LinalgError>>()?;
    let [work, spread] = second_order(inverse, battery, &state, sigma)?;
    Ok(together(found, deviations(&again), tested, [Some(0.0), work, spread], (repetitions, tests.doubt())))
}

/// Energies of the battery in a state reconstructed from counts; errors and intervals from resampled counts with the same number of shots
/// per setting.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn counted_energies(
    settings: &Settings,
    battery: &Battery,
    counts: &[u64],
    estimator: Estimator,
    (repetitions, seed): (usize, u64),
) -> Result<(Counted, Energies), LinalgError> {
    let functionals = functionals(battery)?;
    let found = settings.reconstruct(counts, estimator)?;
    let shots: Vec<u64> = counts.chunks_exact(settings.outcomes()).map(|c| c.iter().sum()).collect();
    let readings = Shots { settings, shots, seed };
    let tests = Tests::new(&readings, battery, &settings.plain(counts), repetitions)?;
    let [energy, ergotropy, capacity] = &functionals;
    let tested = [tests.of(energy)?, tests.of(ergotropy)?, tests.of(capacity)?];
    let ideal = readings.ideal(&tests.matched);
    let drawn: Vec<Vec<u64>> = (0..repetitions).into_par_iter().map(|k| readings.drawn(&ideal, k)).collect();
    let again = values_of_all(&functionals, battery, &settings.reconstruct_all(&drawn.concat(), estimator)?)?;
    let of_found = values(&functionals, &battery.reduce(&found.state))?;
    let mut out = together(of_found, deviations(&again), tested, [None; 3], (repetitions, tests.doubt()));
    if settings.unseen() > 0 {
        out.conditions.push(format!(
            "valid if the {} products of Pauli matrices that no setting measures are 0",
            settings.unseen()
        ));
    }
    Ok((found, out))
}
