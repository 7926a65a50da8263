//! Ergotropy, anti-ergotropy, capacity, and the rate of change of the ergotropy.
//!
//! With the eigenvalues `r` of the state and the levels `e` of the Hamiltonian, arrows up and down for ascending and
//! descending order:
//!
//! * ergotropy `W = E - sum_k r_k(down) e_k(up)`, the most work that unitaries extract
//!   (Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565);
//! * anti-ergotropy `A = sum_k r_k(up) e_k(up) - E`;
//! * capacity `C = W + A`, the difference between the highest and the lowest energy on the unitary orbit
//!   (Yang et al., PRL 131, 030402).
//!
//! A small negative ergotropy is rounding and is not clamped: a law that is tested must be able to fail.

use super::moment::{diagonal_element, mean};
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_values};

/// `sum_k r_k(down) e_k(up)` for ascending `r` and ascending `e`.
fn passive(r: &[f64], e: &[f64]) -> f64 {
    r.iter().rev().zip(e).map(|(r, e)| r * e).sum()
}

/// `sum_k r_k(up) e_k(up)`.
fn active(r: &[f64], e: &[f64]) -> f64 {
    r.iter().zip(e).map(|(r, e)| r * e).sum()
}

/// The lowest energy on the unitary orbit of `rho`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn passive_energy(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    Ok(passive(&hermitian_values(rho)?, &hermitian_values(h)?))
}

/// Ergotropy of `rho` for the Hamiltonian `h`, in the units of `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn ergotropy(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    Ok(mean(rho, h) - passive_energy(rho, h)?)
}

/// Anti-ergotropy, positive.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn anti_ergotropy(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    Ok(active(&hermitian_values(rho)?, &hermitian_values(h)?) - mean(rho, h))
}

/// Capacity.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn capacity(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let (r, e) = (hermitian_values(rho)?, hermitian_values(h)?);
    Ok(active(&r, &e) - passive(&r, &e))
}

/// The same sums when each level stands for many states: the eigenvalues of the state, descending, fill the levels from the
/// bottom (or, for the highest energy, from the top); states beyond the given eigenvalues have weight zero.
fn fill(mut r: Vec<f64>, levels: &[(f64, f64)], from_top: bool) -> f64 {
    r.sort_by(|a, b| b.total_cmp(a));
    let mut order: Vec<(f64, f64)> = levels.to_vec();
    order.sort_by(|a, b| if from_top { b.0.total_cmp(&a.0) } else { a.0.total_cmp(&b.0) });
    let mut sum = 0.0;
    let mut at = 0;
    for (energy, count) in order {
        let take = (r.len() - at).min(if count < 1e15 { count.round() as usize } else { usize::MAX });
        sum += r[at..at + take].iter().sum::<f64>() * energy;
        at += take;
        if at == r.len() {
            break;
        }
    }
    sum
}

/// d W / dt for a state that changes at the rate `rate`: `Tr[rho' H] - sum_k r_k' e_k`, eigenvalues of the state in
/// descending order. Where eigenvalues coincide, the rates are those of the degenerate block, the largest first: the
/// derivative towards later times.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn ergotropy_rate(state: &Eigen, rate: &Matrix, h: &Matrix, levels: &Eigen) -> Result<f64, LinalgError> {
    let n = state.values.len();
    // Rounding in eigenvalues of order 1 is 1e-16; polarisations of 1e-5 differ by far more.
    let mut rates = vec![0.0; n];
    for block in state.levels(1e-14) {
        if block.len() == 1 {
            rates[block.start] = diagonal_element(&state.vectors, block.start, rate);
            continue;
        }
        let columns = state.vectors.columns(block.start, block.len()).into_owned();
        let inside = crate::linalg::conjugate_back(&columns, rate);
        for (k, value) in block.clone().zip(hermitian_values(&inside)?) {
            rates[k] = value;
        }
    }
    // Ascending eigenvalues are paired with descending levels.
    let passive_rate: f64 = rates.iter().zip(levels.values.iter().rev()).map(|(r, e)| r * e).sum();
    Ok(mean(rate, h) - passive_rate)
}

pub(super) fn evaluate_ergotropy(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    if a.is_empty() {
        let r = &m.battery_eigen()?.values;
        let lowest = match &cells.levels {
            Some(levels) => fill(r.clone(), levels, false),
            None => passive(r, &cells.eigen.values),
        };
        return Ok(mean(m.battery_state()?, &cells.hamiltonian) - lowest);
    }
    Ok(ergotropy(m.battery_state()?, &m.hamiltonian(a)?)?)
}

pub(super) fn evaluate_symmetric(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    Ok(mean(m.battery_state()?, &cells.hamiltonian) - passive(&m.battery_eigen()?.values, &cells.eigen.values))
}

pub(super) fn evaluate_anti(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    if a.is_empty() {
        let r = &m.battery_eigen()?.values;
        let highest = match &cells.levels {
            Some(levels) => fill(r.clone(), levels, true),
            None => active(r, &cells.eigen.values),
        };
        return Ok(highest - mean(m.battery_state()?, &cells.hamiltonian));
    }
    Ok(anti_ergotropy(m.battery_state()?, &m.hamiltonian(a)?)?)
}

pub(super) fn evaluate_capacity(m: &Moment, a: &[Argument]) -> Value {
    let cells = m.battery()?;
    if a.is_empty() {
        let r = &m.battery_eigen()?.values;
        return Ok(match &cells.levels {
            Some(levels) => fill(r.clone(), levels, true) - fill(r.clone(), levels, false),
            None => active(r, &cells.eigen.values) - passive(r, &cells.eigen.values),
        });
    }
    Ok(capacity(m.battery_state()?, &m.hamiltonian(a)?)?)
}

pub(super) fn evaluate_state_of_charge(m: &Moment, _: &[Argument]) -> Value {
    let c = evaluate_capacity(m, &[])?;
    if c <= 1e-14 * m.battery()?.eigen.spread() {
        return Err(Undefined::Domain("the capacity is zero, so W/C has no meaning".into()));
    }
    Ok(evaluate_ergotropy(m, &[])? / c)
}

pub(super) fn evaluate_efficiency(m: &Moment, _: &[Argument]) -> Value {
    let stored = super::energy::evaluate_stored(m, &[])?;
    if stored <= 1e-14 * m.battery()?.eigen.spread() {
        return Err(Undefined::Domain("no energy is stored, so W/(E - E_0) has no meaning".into()));
    }
    Ok(evaluate_ergotropy(m, &[])? / stored)
}

pub(super) fn evaluate_power(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    let rate = m.battery_rate()?;
    if let Some(levels) = &cells.levels {
        // The levels that the eigenvalues of this state fill, as a list: the pairing is the same as without multiplicities.
        let n = cells.hamiltonian.nrows();
        let mut order = levels.clone();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let filled: Vec<f64> = order
            .iter()
            .flat_map(|&(e, count)| std::iter::repeat_n(e, if count < n as f64 { count as usize } else { n }))
            .take(n)
            .collect();
        let eigen = Eigen { values: filled, vectors: cells.eigen.vectors.clone() };
        return Ok(ergotropy_rate(m.battery_eigen()?, &rate, &cells.hamiltonian, &eigen)?);
    }
    Ok(ergotropy_rate(m.battery_eigen()?, &rate, &cells.hamiltonian, &cells.eigen)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{C64, conjugate, hermitian_eigen, kron, real};
    use crate::spin::gibbs;

    #[test]
    fn laws_of_ergotropy_and_capacity() {
        for seed in 0..60 {
            let n = [2, 3, 4, 8][seed as usize % 4];
            let (rho, h, u) = (state(n, seed), hamiltonian(n, seed + 1000), unitary(n, seed + 2000));
            let (w, a, c) =
                (ergotropy(&rho, &h).unwrap(), anti_ergotropy(&rho, &h).unwrap(), capacity(&rho, &h).unwrap());
            let spread = hermitian_eigen(&h).unwrap().spread();
            assert!(w >= -1e-13 && a >= -1e-13 && c <= spread + 1e-12);
            assert!((w + a - c).abs() < 1e-12, "C = W + A");
            let negative = h.map(|x| -x);
            assert!((anti_ergotropy(&rho, &h).unwrap() - ergotropy(&rho, &negative).unwrap()).abs() < 1e-12);
            assert!((capacity(&conjugate(&u, &rho), &h).unwrap() - c).abs() < 1e-12, "the orbit's capacity is one");
            // No unitary extracts more.
            let after = conjugate(&u, &rho);
            assert!(mean(&rho, &h) - mean(&after, &h) <= w + 1e-12);
            // A rotation of both, a shift and a scale change nothing, nothing, and the scale.
            assert!((ergotropy(&conjugate(&u, &rho), &conjugate(&u, &h)).unwrap() - w).abs() < 1e-12);
            let shifted = h.map(|x| x * 3.0) + Matrix::identity(n, n) * real(2.0);
            assert!((ergotropy(&rho, &shifted).unwrap() - 3.0 * w).abs() < 1e-12);
        }
    }

    #[test]
    fn gibbs_states_are_passive_and_so_are_two_copies() {
        for seed in 0..10 {
            let h = hamiltonian(3, seed);
            let tau = gibbs(&h, 0.7).unwrap();
            assert!(ergotropy(&tau, &h).unwrap().abs() < 1e-13);
            let one = Matrix::identity(3, 3);
            let both = kron(&h, &one) + kron(&one, &h);
            assert!(ergotropy(&kron(&tau, &tau), &both).unwrap().abs() < 1e-12);
        }
    }

    #[test]
    fn the_rate_is_the_derivative() {
        for seed in 0..20 {
            let (rho, h, drive, other) =
                (state(4, seed), hamiltonian(4, seed + 1), hamiltonian(4, seed + 2), state(4, seed + 3));
            // Unitary motion plus a flow towards another state: the eigenvalues change too.
            let commutator = crate::linalg::commutator(&drive, &rho).map(|x| x * C64::new(0.0, -1.0));
            let rate = commutator + (&other - &rho);
            let at = |t: f64| ergotropy(&(&rho + rate.map(|x| x * t)), &h).unwrap();
            let numeric = (8.0 * (at(1e-4) - at(-1e-4)) - (at(2e-4) - at(-2e-4))) / 12e-4;
            let exact =
                ergotropy_rate(&hermitian_eigen(&rho).unwrap(), &rate, &h, &hermitian_eigen(&h).unwrap()).unwrap();
            assert!((numeric - exact).abs() < 1e-8, "{numeric} {exact}");
        }
    }

    #[test]
    fn multiplicities_fill_from_the_bottom() {
        // Three spins of gap 1: levels 0 (once), 1 (three times), 2 (three times), 3 (once).
        let levels = [(0.0, 1.0), (1.0, 3.0), (2.0, 3.0), (3.0, 1.0)];
        assert!((fill(vec![0.1, 0.2, 0.3, 0.4], &levels, false) - 0.6).abs() < 1e-15);
        assert!((fill(vec![0.1, 0.2, 0.3, 0.4], &levels, true) - (1.2 + 0.6 * 2.0)).abs() < 1e-15);
    }
}
