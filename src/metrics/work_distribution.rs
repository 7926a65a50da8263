//! Work of a two-point measurement of energy (Talkner, Lutz, Haenggi, Phys. Rev. E 75, 050102).
//!
//! Right behind `prepare` the battery's Hamiltonian `H = sum_n E_n P_n` is measured, then the system evolves under the unitary `U` of the
//! sequence, then `H' = sum_m E'_m P'_m` is measured, which is H unless another is given:
//!
//! `p(n, m) = Tr[P'_m U P_n rho_0 P_n U^dagger]`, `W = E'_m - E_n`.
//!
//! W is the work done on the battery. The first measurement removes coherences between levels of H, so `<W>` is the stored energy only if the
//! prepared state has none. If it is the Gibbs state of H at temperature T, `<exp(-W/T)> = Z'/Z` for every U (Jarzynski), which is 1 if H' = H.

use super::deviation::traceless;
use super::moment::mean;
use super::population::SAME_LEVEL;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{Eigen, LinalgError, Matrix, conjugate, conjugate_back, hermitian_eigen, product};
use crate::spin::Action;
use std::ops::Range;

/// Works below minus this fraction of the largest magnitude count as negative; smaller ones are rounding of zero.
const NEGATIVE: f64 = 1e-9;

/// A distribution of work: pairs of work and probability, one for each pair of levels.
#[derive(Debug, Clone)]
pub struct WorkDistribution {
    /// Work and its probability; the probabilities add up to 1.
    pub parts: Vec<(f64, f64)>,
}

/// An eigendecomposition with its levels.
struct Measurement {
    eigen: Eigen,
    levels: Vec<Range<usize>>,
}

impl Measurement {
    fn of(h: &Matrix) -> Result<Measurement, LinalgError> {
        let eigen = hermitian_eigen(h)?;
        let levels = eigen.levels(SAME_LEVEL * eigen.spread());
        Ok(Measurement { eigen, levels })
    }

    /// Mean energy of a level's states.
    fn energy(&self, level: &Range<usize>) -> f64 {
        let own = self.eigen.values.get(level.clone()).unwrap_or_default();
        own.iter().sum::<f64>() / own.len().max(1) as f64
    }

    /// Eigenvectors of a level, as columns.
    fn vectors(&self, level: &Range<usize>) -> Matrix {
        self.eigen.vectors.columns(level.start, level.len()).into_owned()
    }
}

/// The distribution of the work of `u` on the state `rho`, with the Hamiltonians `h` and `h_final` of the two measurements.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn work_distribution(
    rho: &Matrix,
    u: &Matrix,
    h: &Matrix,
    h_final: &Matrix,
) -> Result<WorkDistribution, LinalgError> {
    let (first, second) = (Measurement::of(h)?, Measurement::of(h_final)?);
    let mut parts = Vec::with_capacity(first.levels.len() * second.levels.len());
    for level in &first.levels {
        let vectors = first.vectors(level);
        let inside = conjugate_back(&vectors, rho);
        // Amplitudes of the evolved states of this level in the eigenstates of the second Hamiltonian.
        let amplitudes = product(&second.eigen.vectors.adjoint(), &product(u, &vectors));
        let weighted = product(&amplitudes, &inside);
        for last in &second.levels {
            let found = |k: usize| weighted.row(k).component_mul(&amplitudes.row(k).conjugate()).sum().re;
            let probability: f64 = last.clone().map(found).sum();
            parts.push((second.energy(last) - first.energy(level), probability));
        }
    }
    Ok(WorkDistribution { parts })
}

impl WorkDistribution {
    /// `<f(W)>`.
    pub fn mean_of(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.parts.iter().filter(|(_, p)| *p != 0.0).map(|(w, p)| p * f(*w)).sum()
    }

    /// `<W^2> - <W>^2`, as the mean square of the distance from the mean.
    pub fn variance(&self) -> f64 {
        let mean = self.mean_of(|w| w);
        self.mean_of(|w| (w - mean).powi(2))
    }

    /// The probability of a negative work.
    pub fn negative_probability(&self) -> f64 {
        let largest = self.parts.iter().fold(0.0f64, |most, (w, _)| most.max(w.abs()));
        self.mean_of(|w| if w < -NEGATIVE * largest { 1.0 } else { 0.0 })
    }
}

/// The matrix of an operator on the space of the scene.
fn dense(action: &Action, n: usize) -> Matrix {
    let mut out = Matrix::zeros(n, n);
    for k in 0..n {
        let unit = crate::linalg::Vector::from_fn(n, |row, _| crate::linalg::real(f64::from(u8::from(row == k))));
        out.set_column(k, &action.apply(&unit));
    }
    out
}

/// The two Hamiltonians; the second is argument `k` if it is given, otherwise the battery's.
fn hamiltonians(m: &Moment, a: &[Argument], k: usize) -> Result<(Matrix, Option<Matrix>), Undefined> {
    let n = m.scene.space.len();
    let first = dense(m.battery()?.energy(), n);
    let given = if k < a.len() { Some(dense(m.operator_argument(a, k)?.action(&m.scene.space), n)) } else { None };
    Ok((first, given))
}

fn distribution(m: &Moment, a: &[Argument], k: usize) -> Result<WorkDistribution, Undefined> {
    let u = m.propagator()?;
    let (first, given) = hamiltonians(m, a, k)?;
    Ok(work_distribution(m.initial_density()?, u, &first, given.as_ref().unwrap_or(&first))?)
}

/// `Tr[H' U d U^dagger] - Tr[H d]` of the deviation d from the maximally mixed state, without coherences between levels, and the
/// difference of the mean levels: at a polarisation of 1e-8 the sum over the distribution would be lost in rounding.
pub(super) fn evaluate_mean(m: &Moment, a: &[Argument]) -> Value {
    let u = m.propagator()?;
    let (first, given) = hamiltonians(m, a, 0)?;
    let deviation = traceless(m.initial_density()?);
    let measurement = Measurement::of(&first)?;
    let mut measured = Matrix::zeros(u.nrows(), u.nrows());
    for level in &measurement.levels {
        let vectors = measurement.vectors(level);
        measured += conjugate(&vectors, &conjugate_back(&vectors, &deviation));
    }
    let second = given.as_ref().unwrap_or(&first);
    let levels = given.as_ref().map_or(0.0, |h| (h.trace() - first.trace()).re / u.nrows() as f64);
    Ok(mean(&conjugate(u, &measured), &traceless(second)) - mean(&measured, &traceless(&first)) + levels)
}

pub(super) fn evaluate_variance(m: &Moment, a: &[Argument]) -> Value {
    Ok(distribution(m, a, 0)?.variance())
}

pub(super) fn evaluate_negative(m: &Moment, a: &[Argument]) -> Value {
    Ok(distribution(m, a, 0)?.negative_probability())
}

pub(super) fn evaluate_jarzynski(m: &Moment, a: &[Argument]) -> Value {
    let temperature = m.number(a, 0)?;
    if temperature == 0.0 || !temperature.is_finite() {
        return Err(Undefined::Domain("the temperature of an average of exp(-W/T) is finite and not 0".into()));
    }
    Ok(distribution(m, a, 1)?.mean_of(|w| (-w / temperature).exp()))
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{hermitian_values, identity};
    use crate::spin::gibbs;

    /// Moments of the distribution are traces: `<W> = Tr[H' U D U^+] - Tr[H D]` with the dephased state D, and
    /// `<W^2> = Tr[H'^2 U D U^+] - 2 Tr[H' U H D U^+] + Tr[H^2 D]`.
    #[test]
    fn moments_are_traces() {
        for seed in 0..10 {
            let (rho, u) = (state(5, seed), unitary(5, seed + 1));
            let (h, last) = (hamiltonian(5, seed + 2), hamiltonian(5, seed + 3));
            let found = work_distribution(&rho, &u, &h, &last).unwrap();
            let dephased = crate::spin::dephase(&rho, &hermitian_eigen(&h).unwrap());
            let moved = |x: &Matrix| conjugate(&u, x);
            let first = mean(&last, &moved(&dephased)) - mean(&h, &dephased);
            let square = mean(&(&last * &last), &moved(&dephased)) - 2.0 * mean(&last, &moved(&(&h * &dephased)))
                + mean(&(&h * &h), &dephased);
            assert!((found.mean_of(|_| 1.0) - 1.0).abs() < 1e-13);
            assert!((found.mean_of(|w| w) - first).abs() < 1e-12);
            assert!((found.variance() - (square - first * first)).abs() < 1e-11);
        }
    }

    #[test]
    fn the_jarzynski_equality_holds_for_every_unitary() {
        for seed in 0..10 {
            let (h, last, u) = (hamiltonian(4, seed), hamiltonian(4, seed + 20), unitary(4, seed + 40));
            let t = 0.7;
            let found = work_distribution(&gibbs(&h, t).unwrap(), &u, &h, &last).unwrap();
            let z = |h: &Matrix| hermitian_values(h).unwrap().iter().map(|e| (-e / t).exp()).sum::<f64>();
            assert!((found.mean_of(|w| (-w / t).exp()) / (z(&last) / z(&h)) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn nothing_done_is_no_work() {
        let (h, rho) = (hamiltonian(4, 1), state(4, 2));
        let found = work_distribution(&rho, &identity(4), &h, &h).unwrap();
        assert!(found.variance().abs() < 1e-13 && found.negative_probability().abs() < 1e-13);
    }
}
