//! Energies of a state that is known with errors.
//!
//! Ergotropy and capacity are convex, so noise makes them larger on average: a battery that holds nothing seems charged. For a state
//! of eigenvalues r (descending) and levels e (ascending) that do not coincide, to second order in the noise
//! `E[W] - W = sum_(k<j) s_kj^2 (e_j - e_k)/(r_k - r_j)`, `s_kj^2 = E|<k|d rho|j>|^2`. Beside the plain value stand that bias, the value
//! less the bias that repeated reconstructions of noisy amplitudes show (the parametric bootstrap), intervals from the same
//! repetitions, and a lower bound by cross-fitting: one half of the data chooses the unitary that extracts, the other half says
//! how much it extracts. Energies are linear in the state, so theirs have no bias at all.

use super::coordinates;
use super::reconstruct::{Inverse, Method, reconstruct};
use crate::linalg::{C64, LinalgError, Matrix, hermitian_eigen, trace_of_product};
use crate::metrics::{capacity, ergotropy};
use crate::noise::Noise;

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
    let rows = inverse.covariance.iter().map(|row| row.iter().zip(&u).map(|(c, x)| c * x).sum::<f64>());
    rows.zip(&u).map(|(x, y)| x * y).sum()
}

/// The second-order bias of the ergotropy and of the capacity.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn second_order(
    inverse: &Inverse,
    battery: &Battery,
    state: &Matrix,
    sigma: f64,
) -> Result<Option<(f64, f64)>, LinalgError> {
    // Below this many standard deviations two eigenvalues are not apart.
    const APART: f64 = 3.0;
    let own = hermitian_eigen(&battery.reduce(state))?;
    let levels = hermitian_eigen(&battery.hamiltonian)?.values;
    let n = levels.len();
    // Eigenvalues ascend: the largest, which sits on the lowest level, is the last.
    let (mut passive, mut active) = (0.0, 0.0);
    for k in 0..n {
        for j in k + 1..n {
            let (upper, lower) = (n - 1 - k, n - 1 - j);
            let gap = own.values[upper] - own.values[lower];
            let (a, b) = (own.vectors.column(upper), own.vectors.column(lower));
            let turn = Matrix::from_fn(n, n, |r, c| b[r] * a[c].conj());
            let adjoint = turn.adjoint();
            let even = (&turn + &adjoint).map(|z| z * 0.5);
            let odd = (&turn - &adjoint).map(|z| z * 0.5 / crate::linalg::I);
            let s2 =
                sigma * sigma * (variance(inverse, &battery.embed(&even)) + variance(inverse, &battery.embed(&odd)));
            let spacing = levels[j] - levels[k];
            let mirrored = levels[n - 1 - k] - levels[n - 1 - j];
            if (spacing.abs() > 0.0 || mirrored.abs() > 0.0) && gap < APART * s2.sqrt() {
                return Ok(None);
            }
            passive += s2 * spacing / gap;
            active += s2 * mirrored / gap;
        }
    }
    Ok(Some((passive, passive + active)))
}

/// How much the unitary that is best for one state extracts from another.
fn extracted(chooser: &Matrix, measured: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let own = hermitian_eigen(chooser)?;
    let levels = hermitian_eigen(h)?;
    let n = levels.values.len();
    // U = sum_k |e_k><r_k|, the largest eigenvalue on the lowest level.
    let mut passive = Matrix::zeros(n, n);
    for k in 0..n {
        let r = own.vectors.column(n - 1 - k);
        for j in 0..n {
            for i in 0..n {
                passive[(i, j)] += r[i] * r[j].conj() * levels.values[k];
            }
        }
    }
    Ok(trace_of_product(measured, &(h - passive)).re)
}

/// The share p of an ordered list lies below this, between two neighbours.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

fn quantity(value: f64, mut repeated: Vec<f64>, bias: Option<f64>) -> Quantity {
    let n = repeated.len() as f64;
    let mean = repeated.iter().sum::<f64>() / n;
    let error = (repeated.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt();
    repeated.sort_by(f64::total_cmp);
    // What repetitions do around the value is what the value does around the truth. Both quantities cannot be negative.
    let interval = |p: f64| {
        let reflected = |q: f64| (2.0 * value - quantile(&repeated, q)).max(0.0);
        (reflected(0.5 + 0.5 * p), reflected(0.5 - 0.5 * p))
    };
    Quantity {
        value,
        error,
        bias,
        corrected: 2.0 * value - mean,
        interval_68: interval(0.682_689_492),
        interval_95: interval(0.954_499_736),
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
    let h = &battery.hamiltonian;
    let state = reconstruct(inverse, amplitudes, sigma, method)?.state;
    let own = battery.reduce(&state);
    let ideal = inverse.amplitudes(&state);
    let (mut works, mut capacities) = (Vec::with_capacity(repetitions), Vec::with_capacity(repetitions));
    for k in 0..repetitions {
        let mut noise = Noise::new(seed, k as u64 + 1);
        let y: Vec<f64> = ideal.iter().map(|x| x + sigma * noise.normal()).collect();
        let again = battery.reduce(&reconstruct(inverse, &y, sigma, method)?.state);
        works.push(ergotropy(&again, h)?);
        capacities.push(capacity(&again, h)?);
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
    let bias = second_order(inverse, battery, &state, sigma)?;
    let energy_error = sigma * variance(inverse, &battery.embed(h)).max(0.0).sqrt();
    let ergotropy = quantity(ergotropy(&own, h)?, works, bias.map(|b| b.0));
    Ok(Energies {
        energy: (trace_of_product(&own, h).re, energy_error),
        cross_fit: (cross, ergotropy.error),
        capacity: quantity(capacity(&own, h)?, capacities, bias.map(|b| b.1)),
        ergotropy,
    })
}
