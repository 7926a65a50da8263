//! Energies of a state that is known with errors.
//!
//! Ergotropy and capacity are convex, so noise makes them larger on average: a battery that holds nothing seems charged. For a state
//! of eigenvalues r (descending) and levels e (ascending) that do not coincide, to second order in the noise
//! `E[W] - W = sum_(k<j) s_kj^2 (e_j - e_k)/(r_k - r_j)`, `s_kj^2 = E|<k|d rho|j>|^2`. Beside the plain value stand that bias, the value
//! less the bias that repeated reconstructions of noisy amplitudes show (the parametric bootstrap), intervals from the same
//! repetitions, and a lower bound by cross-fitting: one half of the data chooses the unitary that extracts, the other half says
//! how much it extracts. Energies are linear in the state, so theirs have no bias at all.

use super::coordinates;
use super::counts::{Counted, Estimator, Settings};
use super::reconstruct::{Inverse, Method, reconstruct};
use crate::linalg::{C64, Eigen, LinalgError, Matrix, hermitian_eigen, trace_of_product};
use crate::metrics::{capacity, ergotropy};
use crate::noise::Noise;
use rayon::prelude::*;

/// How the battery lies in the system: the numbers of its states and of those of the rest, for every state of the whole.
pub struct Battery {
    /// Its Hamiltonian, on its own space.
    pub hamiltonian: Matrix,
    /// Of every state of the whole: the number of the battery's state, and that of the rest.
    pub parts: Vec<(usize, usize)>,
}

impl Battery {
    /// The state of the battery.
    pub fn reduce(&self, state: &Matrix) -> Matrix {
        let n = self.hamiltonian.nrows();
        let mut out = Matrix::zeros(n, n);
        for (j, (bj, rj)) in self.parts.iter().enumerate() {
            for (i, (bi, ri)) in self.parts.iter().enumerate() {
                if ri == rj {
                    out[(*bi, *bj)] += state[(i, j)];
                }
            }
        }
        out
    }

    /// An operator of the battery, on the whole.
    fn embed(&self, operator: &Matrix) -> Matrix {
        let n = self.parts.len();
        Matrix::from_fn(n, n, |i, j| {
            let ((bi, ri), (bj, rj)) = (self.parts[i], self.parts[j]);
            if ri == rj { operator[(bi, bj)] } else { C64::new(0.0, 0.0) }
        })
    }
}

/// A quantity that is convex in the state.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// Of the reconstructed state.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
    /// What the second-order formula gives for the bias; `None` where levels are too near for it.
    pub bias: Option<f64>,
    /// The value less the bias that repetitions show.
    pub corrected: f64,
    /// In which it lies with a probability of 68 %.
    pub interval_68: (f64, f64),
    /// In which it lies with a probability of 95 %.
    pub interval_95: (f64, f64),
}

impl Quantity {
    /// In another unit.
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

/// The energies of a reconstructed battery.
#[derive(Debug, Clone, PartialEq)]
pub struct Energies {
    /// Tr[rho H] and its standard error.
    pub energy: (f64, f64),
    /// The ergotropy.
    pub ergotropy: Quantity,
    /// The capacity.
    pub capacity: Quantity,
    /// A lower bound of the ergotropy by cross-fitting, and its standard error.
    pub cross_fit: (f64, f64),
}

/// The quadratic form of the covariance of the state of least squares, without the variance of the noise.
fn variance(inverse: &Inverse, operator: &Matrix) -> f64 {
    let u = coordinates(operator);
    inverse.spread(&u).iter().zip(&u).map(|(x, y)| x * y).sum()
}

/// The second-order biases of ergotropy and capacity; `None` for one in which eigenvalues count that are too near for it.
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
    // What the eigenvalues are multiplied by, the largest first: it sits on the lowest level for the passive energy.
    let passive: Vec<f64> = levels.iter().map(|e| -e).collect();
    let spread: Vec<f64> = (0..n).map(|k| levels[n - 1 - k] - levels[k]).collect();
    Ok([passive, spread].map(|list| bias(inverse, battery, &own, sigma, &list)))
}

/// The bias of `sum_k l_k r_k`, r the eigenvalues in descending order.
fn bias(inverse: &Inverse, battery: &Battery, own: &Eigen, sigma: f64, list: &[f64]) -> Option<f64> {
    // Below this many standard deviations two eigenvalues are not apart.
    const APART: f64 = 3.0;
    let n = list.len();
    let range = list.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let mut sum = 0.0;
    for k in 0..n {
        for j in k + 1..n {
            let spacing = list[k] - list[j];
            // Eigenvalues that count alike may be as near as they like.
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

/// The unitary that extracts the most from a state: `sum_k |e_k><r_k|`, the largest eigenvalue onto the lowest level.
fn extraction(state: &Matrix, h: &Matrix) -> Result<Matrix, LinalgError> {
    let own = hermitian_eigen(state)?;
    let levels = hermitian_eigen(h)?;
    let n = levels.values.len();
    Ok((0..n).fold(Matrix::zeros(n, n), |u, k| u + levels.vectors.column(k) * own.vectors.column(n - 1 - k).adjoint()))
}

/// How much the unitary that is best for one state extracts from another.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn extracted(chooser: &Matrix, measured: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let u = extraction(chooser, h)?;
    Ok(trace_of_product(measured, &(h - u.adjoint() * h * &u)).re)
}

/// The share p of an ordered list lies below this, between two neighbours.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

/// What noise adds to a quantity, run by run, in ascending order.
struct Errors(Vec<f64>);

impl Errors {
    fn new(repeated: Vec<f64>, truth: f64) -> Errors {
        let mut all: Vec<f64> = repeated.iter().map(|x| x - truth).collect();
        all.sort_by(f64::total_cmp);
        Errors(all)
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn deviation(&self) -> f64 {
        let mean = self.mean();
        (self.0.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (self.0.len() as f64 - 1.0).max(1.0)).sqrt()
    }

    /// The quantity of which this value was measured.
    fn quantity(&self, value: f64, bias: Option<f64>) -> Quantity {
        // What repetitions do around their truth is what the value does around its own. Ends below 0 are not cut off: then the
        // intervals hold a truth of 0 as often as they say.
        let interval = |p: f64| (value - quantile(&self.0, 0.5 + 0.5 * p), value - quantile(&self.0, 0.5 - 0.5 * p));
        Quantity {
            value,
            error: self.deviation(),
            bias,
            corrected: value - self.mean(),
            interval_68: interval(0.682_689_492),
            interval_95: interval(0.954_499_736),
        }
    }
}

/// Repeated readings of a state: ergotropies and capacities.
struct Repeated<'a> {
    inverse: &'a Inverse,
    battery: &'a Battery,
    sigma: f64,
    method: Method,
    repetitions: usize,
    seed: u64,
}

impl Repeated<'_> {
    fn of(&self, state: &Matrix) -> Result<(Errors, Errors), LinalgError> {
        let h = &self.battery.hamiltonian;
        let ideal = self.inverse.amplitudes(state);
        let (mut works, mut capacities) = (Vec::new(), Vec::new());
        for k in 0..self.repetitions {
            let mut noise = Noise::new(self.seed, k as u64 + 1);
            let y: Vec<f64> = ideal.iter().map(|x| x + self.sigma * noise.normal()).collect();
            let again = self.battery.reduce(&reconstruct(self.inverse, &y, self.sigma, self.method)?.state);
            works.push(ergotropy(&again, h)?);
            capacities.push(capacity(&again, h)?);
        }
        let own = self.battery.reduce(state);
        Ok((Errors::new(works, ergotropy(&own, h)?), Errors::new(capacities, capacity(&own, h)?)))
    }
}

/// The energies of the battery in a state reconstructed from amplitudes whose noise has a standard deviation, by as many repetitions.
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
    const SPLITS: usize = 16;
    // Beyond this many standard errors no battery is taken for an empty one, and below the quantile every one may be.
    const NEAR_EMPTY: f64 = 4.0;
    const EMPTY: f64 = 0.977_25;
    let h = &battery.hamiltonian;
    let state = reconstruct(inverse, amplitudes, sigma, method)?.state;
    let own = battery.reduce(&state);
    let repeated = Repeated { inverse, battery, sigma, method, repetitions, seed };
    let (mut work, spread) = repeated.of(&state)?;
    // A reconstructed state is more active than the true one. Where its work is no more than an empty battery shows, its errors are
    // those of an empty battery with its eigenvalues.
    let value = ergotropy(&own, h)?;
    if value - work.mean() < NEAR_EMPTY * work.deviation() {
        let u = battery.embed(&extraction(&own, h)?);
        let (empty, _) = repeated.of(&(&u * &state * u.adjoint()))?;
        if value <= quantile(&empty.0, EMPTY) {
            work = empty;
        }
    }
    // Amplitudes plus and minus further noise of the same size are two independent halves of the data.
    let mut halves = Vec::with_capacity(SPLITS);
    for k in 0..SPLITS {
        let mut noise = Noise::new(seed ^ 0x5A5A, k as u64);
        let extra: Vec<f64> = amplitudes.iter().map(|_| sigma * noise.normal()).collect();
        let half = |sign: f64| -> Matrix {
            let y: Vec<f64> = amplitudes.iter().zip(&extra).map(|(y, e)| y + sign * e).collect();
            battery.reduce(&inverse.linear(&y))
        };
        let (a, b) = (half(1.0), half(-1.0));
        halves.push(0.5 * (extracted(&a, &b, h)? + extracted(&b, &a, h)?));
    }
    let cross = halves.iter().sum::<f64>() / SPLITS as f64;
    let [work_bias, spread_bias] = second_order(inverse, battery, &state, sigma)?;
    let energy_error = sigma * variance(inverse, &battery.embed(h)).max(0.0).sqrt();
    let ergotropy = work.quantity(value, work_bias);
    Ok(Energies {
        energy: (trace_of_product(&own, h).re, energy_error),
        cross_fit: (cross, ergotropy.error),
        capacity: spread.quantity(capacity(&own, h)?, spread_bias),
        ergotropy,
    })
}

/// The energies of a battery whose state was made of counts.
#[derive(Debug, Clone, PartialEq)]
pub struct CountedEnergies {
    /// Tr[rho H].
    pub energy: Quantity,
    /// The ergotropy.
    pub ergotropy: Quantity,
    /// The capacity.
    pub capacity: Quantity,
}

/// The energies of the battery in a state reconstructed from counts, with errors by counts drawn anew from that state, as many shots a
/// setting, so many times.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn counted_energies(
    settings: &Settings,
    battery: &Battery,
    counts: &[u64],
    estimator: Estimator,
    (repetitions, seed): (usize, u64),
) -> Result<(Counted, CountedEnergies), LinalgError> {
    let h = &battery.hamiltonian;
    let shots: Vec<u64> = counts.chunks_exact(settings.outcomes()).map(|c| c.iter().sum()).collect();
    let found = settings.reconstruct(counts, estimator)?;
    let of = |state: &Matrix| -> Result<[f64; 3], LinalgError> {
        let own = battery.reduce(state);
        Ok([trace_of_product(&own, h).re, ergotropy(&own, h)?, capacity(&own, h)?])
    };
    let values = of(&found.state)?;
    let again: Vec<[f64; 3]> = (0..repetitions)
        .into_par_iter()
        .map(|k| {
            let drawn = settings.drawn(&found.state, &shots, &mut Noise::new(seed, k as u64 + 1));
            of(&settings.reconstruct(&drawn, estimator)?.state)
        })
        .collect::<Result<_, LinalgError>>()?;
    let quantity = |k: usize| Errors::new(again.iter().map(|x| x[k]).collect(), values[k]).quantity(values[k], None);
    let [energy, ergotropy, capacity] = [0, 1, 2].map(quantity);
    Ok((found, CountedEnergies { energy, ergotropy, capacity }))
}
