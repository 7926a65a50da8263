//! Work of a two-point measurement of energy (Talkner, Lutz, Haenggi, Phys. Rev. E 75, 050102).
//!
//! Right behind `prepare` the battery's Hamiltonian `H = sum_n E_n P_n` is measured, then the system evolves under the unitary `U` of the
//! sequence, then `H' = sum_m E'_m P'_m` is measured, which is H unless another is given:
//!
//! `p(n, m) = Tr[P'_m U P_n rho_0 P_n U^dagger]`, `W = E'_m - E_n`.
//!
//! With projective measurements in between, `P_n rho_0 P_n` evolves by the process that they make with what follows them.
//!
//! W is the work done on the battery. The first measurement removes coherences between levels of H, so `<W>` is the stored energy only if the
//! prepared state has none. If it is the Gibbs state of H at temperature T, `<exp(-W/T)> = Z'/Z` for every U (Jarzynski), which is 1 if H' = H.

use super::deviation::traceless;
use super::measurement::Measurement;
use super::moment::mean;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, conjugate, conjugate_back, product};

/// Works below minus this fraction of the largest magnitude count as negative; smaller ones are rounding of zero.
const NEGATIVE: f64 = 1e-9;

/// A distribution of work: pairs of work and probability, one for each pair of levels.
#[derive(Debug, Clone)]
pub struct WorkDistribution {
    /// Work and its probability; the probabilities add up to 1.
    pub parts: Vec<(f64, f64)>,
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
    /// The distribution of a process whose states after the first measurement are given by level, with the energy of the level; the second
    /// Hamiltonian is `h_final`.
    fn of_process<'a>(
        levels: impl Iterator<Item = (f64, &'a Matrix)>,
        h_final: &Matrix,
    ) -> Result<WorkDistribution, LinalgError> {
        let second = Measurement::of(h_final)?;
        let mut parts = Vec::new();
        for (energy, state) in levels {
            for last in &second.levels {
                let probability = conjugate_back(&second.vectors(last), state).trace().re;
                parts.push((second.energy(last) - energy, probability));
            }
        }
        Ok(WorkDistribution { parts })
    }

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

/// The two Hamiltonians; the second is argument `k` if it is given, otherwise the battery's.
fn hamiltonians(m: &Moment, a: &[Argument], k: usize) -> Result<(Matrix, Option<Matrix>), Undefined> {
    let n = m.scene.space.len();
    let first = m.battery()?.energy().matrix(n);
    let given = if k < a.len() { Some(m.operator_argument(a, k)?.action(&m.scene.space).matrix(n)) } else { None };
    Ok((first, given))
}

fn distribution(m: &Moment, a: &[Argument], k: usize) -> Result<WorkDistribution, Undefined> {
    let (first, given) = hamiltonians(m, a, k)?;
    if let Some(measured) = m.measured() {
        let levels = measured.levels.iter().map(|(energy, state)| (*energy, state));
        return Ok(WorkDistribution::of_process(levels, given.as_ref().unwrap_or(&first))?);
    }
    let u = m.propagator()?;
    Ok(work_distribution(m.initial_density()?, u, &first, given.as_ref().unwrap_or(&first))?)
}

/// `Tr[H' U d U^dagger] - Tr[H d]` of the deviation d from the maximally mixed state, without coherences between levels, and the
/// difference of the mean levels: at a polarisation of 1e-8 the sum over the distribution would be lost in rounding.
pub(super) fn evaluate_mean(m: &Moment, a: &[Argument]) -> Value {
    if m.measured().is_some() {
        return Ok(distribution(m, a, 0)?.mean_of(|w| w));
    }
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
    let temperature = temperature(m, a)?;
    Ok(distribution(m, a, 1)?.mean_of(|w| (-w / temperature).exp()))
}

fn temperature(m: &Moment, a: &[Argument]) -> Value {
    let temperature = m.number(a, 0)?;
    if temperature == 0.0 || !temperature.is_finite() {
        return Err(Undefined::Domain("the temperature of an average of exp(-W/T) is finite and not 0".into()));
    }
    Ok(temperature)
}

/// `<exp(-W/T - I)>` with the information `I = ln(p(k|l)/p(k))` of the record k about the outcome l (Sagawa, Ueda, Phys. Rev. Lett. 104,
/// 090602). It is 1 if the Gibbs state at T is prepared, H' = H and every record may follow every outcome; without errors some records never
/// follow an outcome, and the average is smaller (absolute irreversibility).
pub(super) fn evaluate_sagawa_ueda(m: &Moment, a: &[Argument]) -> Value {
    let temperature = temperature(m, a)?;
    let Some(measured) = m.measured() else { return evaluate_jarzynski(m, a) };
    let (first, given) = hamiltonians(m, a, 1)?;
    let levels = measured.weighted().map_err(|why| Undefined::Domain(why.to_string()))?;
    let weighted = WorkDistribution::of_process(levels, given.as_ref().unwrap_or(&first))?;
    Ok(weighted.mean_of(|w| (-w / temperature).exp()))
}

/// Mutual information of outcomes and records, bits.
pub(super) fn evaluate_information(m: &Moment, _: &[Argument]) -> Value {
    match m.measured() {
        Some(measured) => {
            let nats = measured.information().map_err(|why| Undefined::Domain(why.to_string()))?;
            Ok(nats / std::f64::consts::LN_2)
        }
        None => m.propagator().map(|_| 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{hermitian_eigen, hermitian_values, identity};
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
