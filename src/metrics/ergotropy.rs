//! Ergotropy, anti-ergotropy, capacity, and the rate of change of the ergotropy.
//!
//! With the eigenvalues `r` of the state and the levels `e` of the Hamiltonian; (up) and (down) denote ascending and descending order:
//!
//! * ergotropy `W = E - sum_k r_k(down) e_k(up)`, the maximum work that unitaries can extract
//!   (Allahverdyan, Balian, Nieuwenhuizen, EPL 67, 565);
//! * anti-ergotropy `A = sum_k r_k(up) e_k(up) - E`;
//! * capacity `C = W + A`, the difference between the highest and the lowest energy on the unitary orbit
//!   (Yang et al., PRL 131, 030402).
//!
//! Small negative ergotropies due to rounding are not clamped: tests of W >= 0 must be able to fail.

#![expect(
    clippy::indexing_slicing,
    reason = "blocks are ranges of eigenvalues of the state, and multiplets are lists of its basis states"
)]

use super::deviation::{Spectrum, traceless};
use super::levels::Levels;
use super::moment::{diagonal_element, mean};
use super::{Argument, BohrExpansion, Curve, Moment, Scene, Undefined, Value};
use crate::linalg::{Eigen, LinalgError, Matrix, hermitian_eigen, hermitian_values};

/// `sum_k r_k(down) e_k(up)` for ascending `r` and ascending `e`.
fn passive(r: &[f64], e: &[f64]) -> f64 {
    r.iter().rev().zip(e).map(|(r, e)| r * e).sum()
}

/// `sum_k r_k(up) e_k(up)`.
fn active(r: &[f64], e: &[f64]) -> f64 {
    r.iter().zip(e).map(|(r, e)| r * e).sum()
}

/// Eigenvalues of the traceless parts of state and Hamiltonian; the traces contribute an energy that no unitary changes.
fn without_trace(rho: &Matrix, h: &Matrix) -> Result<(Vec<f64>, Vec<f64>), LinalgError> {
    Ok((hermitian_values(&traceless(rho))?, hermitian_values(&traceless(h))?))
}

/// Energy of the passive state: the lowest energy on the unitary orbit of `rho`.
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
    let (r, e) = without_trace(rho, h)?;
    Ok(mean(&traceless(rho), &traceless(h)) - passive(&r, &e))
}

/// Anti-ergotropy `A`, non-negative, in the units of `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn anti_ergotropy(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let (r, e) = without_trace(rho, h)?;
    Ok(active(&r, &e) - mean(&traceless(rho), &traceless(h)))
}

/// Capacity `C = W + A`, in the units of `h`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn capacity(rho: &Matrix, h: &Matrix) -> Result<f64, LinalgError> {
    let (r, e) = without_trace(rho, h)?;
    Ok(active(&r, &e) - passive(&r, &e))
}

/// `sum r (e - reference)` with multiplicities: the eigenvalues of the state, in descending order, fill the levels in the given order.
/// States beyond the given eigenvalues have weight zero.
pub(super) fn fill<'a>(spectrum: &[(f64, f64)], levels: impl Iterator<Item = &'a (f64, f64)>, reference: f64) -> f64 {
    let mut sum = 0.0;
    let mut levels = levels.copied();
    let mut level = levels.next();
    for &(r, copies) in spectrum.iter().rev() {
        let mut left = copies;
        while left > 0.0 {
            let Some((energy, room)) = &mut level else { return sum };
            let take = left.min(*room);
            sum += r * (*energy - reference) * take;
            left -= take;
            *room -= take;
            if *room <= 0.0 {
                level = levels.next();
            }
        }
    }
    sum
}

/// Lowest and highest energy on the unitary orbit, relative to `reference`.
fn range_of(
    spectrum: &Spectrum,
    reference: f64,
    ends: impl FnOnce() -> Result<(f64, f64), Undefined>,
    all: &[(f64, f64)],
) -> Result<(f64, f64), Undefined> {
    if spectrum.is_pure() {
        let (low, high) = ends()?;
        return Ok((low - reference, high - reference));
    }
    Ok((fill(&spectrum.parts, all.iter(), reference), fill(&spectrum.parts, all.iter().rev(), reference)))
}

/// Energy of the battery, and the lowest and highest energy on its unitary orbit, all relative to one reference.
fn energies(m: &Moment) -> Result<[f64; 3], Undefined> {
    let spectrum = m.battery_spectrum()?;
    energies_with(m, &spectrum)
}

/// The same for a state of the battery with the same energy and other eigenvalues.
pub(super) fn energies_with(m: &Moment, spectrum: &Spectrum) -> Result<[f64; 3], Undefined> {
    let cells = m.battery()?;
    let (reference, energy) = m.energy_above(spectrum)?;
    // A pure state needs only the lowest and the highest level.
    let all = if spectrum.is_pure() { &[] } else { cells.all_levels()? };
    let (low, high) = range_of(spectrum, reference, || cells.ends(), all)?;
    Ok([energy, low, high])
}

/// `energies` for another operator on the battery.
fn energies_of(m: &Moment, a: &[Argument]) -> Result<[f64; 3], Undefined> {
    let cells = m.battery()?;
    let argument = m.operator_argument(a, 0)?;
    if m.battery_is_all(cells) && cells.levels.is_none() {
        let spectrum = m.battery_spectrum()?;
        let reference = if spectrum.mean == 0.0 { 0.0 } else { argument.sizes().0 };
        let levels: &Levels = argument.levels();
        let all = if spectrum.is_pure() { &[] } else { levels.all()? };
        let (low, high) = range_of(&spectrum, reference, || levels.ends(), all)?;
        return Ok([m.mean_above(argument, reference), low, high]);
    }
    if cells.levels.is_some() {
        return energies_of_multiplets(m, a);
    }
    let (rho, h) = (m.battery_state()?, m.hamiltonian(a)?);
    let (r, e) = without_trace(rho, &h)?;
    Ok([mean(&traceless(rho), &traceless(&h)), passive(&r, &e), active(&r, &e)])
}

/// `energies_of` for a battery with collectives, from all levels of the operator.
fn energies_of_multiplets(m: &Moment, a: &[Argument]) -> Result<[f64; 3], Undefined> {
    let argument = m.operator_argument(a, 0)?;
    if argument.operator().restricted(&m.battery()?.sites).is_none() {
        m.hamiltonian(a)?;
    }
    let Some(all) = argument.battery_levels().filter(|all| !all.is_empty()) else {
        return Err(Undefined::Domain(
            "the levels of the operator on all states of the collectives are not known; make it the `energy` of the battery".into(),
        ));
    };
    let spectrum = m.battery_spectrum()?;
    let mean = || all.iter().map(|(e, c)| e * c).sum::<f64>() / all.iter().map(|l| l.1).sum::<f64>();
    let reference = if spectrum.mean == 0.0 { 0.0 } else { mean() };
    let energy = match m.deviation() {
        Some(deviation) if spectrum.mean != 0.0 => argument.action(&m.scene.space).trace_with(deviation).re,
        _ => m.mean_of(a, 0)? - reference,
    };
    let end = |level: Option<&(f64, f64)>| level.map_or(0.0, |l| l.0);
    let (low, high) = range_of(&spectrum, reference, || Ok((end(all.first()), end(all.last()))), all)?;
    Ok([energy, low, high])
}

pub(super) fn asked(m: &Moment, a: &[Argument]) -> Result<[f64; 3], Undefined> {
    if a.is_empty() { energies(m) } else { energies_of(m, a) }
}

/// Tolerance for degenerate eigenvalues of a state: rounding of the eigenvalues of the state itself, and of its deviation.
fn degenerate(lowest: f64, highest: f64) -> f64 {
    4.0 * f64::EPSILON * lowest.abs().max(highest.abs()) + 1e-12 * (highest - lowest)
}

/// Rates of change of the eigenvalues, by ascending eigenvalue, and within a degenerate block by ascending rate.
fn eigenvalue_rates(state: &Eigen, rate: &Matrix) -> Result<Vec<f64>, LinalgError> {
    let mut rates = vec![0.0; state.values.len()];
    let (low, high) = (state.values.first().copied().unwrap_or(0.0), state.values.last().copied().unwrap_or(0.0));
    for block in state.levels(degenerate(low, high)) {
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
    Ok(rates)
}

/// d W / dt for a state with time derivative `rate`: `Tr[rho' H] - sum_k r_k' e_k`, eigenvalues of the state in descending order and levels
/// ascending. For degenerate eigenvalues, the rates are those of the degenerate block, in descending order: the right derivative in time.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn ergotropy_rate(state: &Eigen, rate: &Matrix, h: &Matrix, levels: &Eigen) -> Result<f64, LinalgError> {
    let rates = eigenvalue_rates(state, rate)?;
    // Ascending eigenvalues are paired with descending levels.
    let passive_rate: f64 = rates.iter().zip(levels.values.iter().rev()).map(|(r, e)| r * e).sum();
    Ok(mean(rate, h) - passive_rate)
}

pub(super) fn evaluate_ergotropy(m: &Moment, a: &[Argument]) -> Value {
    let [energy, low, _] = asked(m, a)?;
    Ok(energy - low)
}

/// The passive energy is constant along unitary evolution, so it can be computed at any time.
pub(super) fn along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    let h = traceless(scene.whole_battery()?.hamiltonian().ok()?);
    let (r, e) = without_trace(&t.begin(), &h).ok()?;
    Some(t.deviation_of(&h).raised(-passive(&r, &e)))
}

pub(super) fn capacity_along(t: &BohrExpansion, scene: &Scene) -> Option<Curve> {
    let (r, e) = without_trace(&t.begin(), scene.whole_battery()?.hamiltonian().ok()?).ok()?;
    Some(t.constant(active(&r, &e) - passive(&r, &e)))
}

/// Unitaries that act identically on the copies of a multiplet and do not mix multiplets: each multiplet becomes passive separately.
pub(super) fn evaluate_symmetric(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    let (rho, h) = (traceless(m.battery_state()?), traceless(cells.hamiltonian()?));
    let mut passive_sum = 0.0;
    for states in m.scene.multiplets_of(&cells.sites) {
        let inside = |x: &Matrix| Matrix::from_fn(states.len(), states.len(), |i, j| x[(states[i], states[j])]);
        passive_sum += passive(&hermitian_values(&inside(&rho))?, &hermitian_values(&inside(&h))?);
    }
    Ok(mean(&rho, &h) - passive_sum)
}

pub(super) fn evaluate_anti(m: &Moment, a: &[Argument]) -> Value {
    let [energy, _, high] = asked(m, a)?;
    Ok(high - energy)
}

pub(super) fn evaluate_capacity(m: &Moment, a: &[Argument]) -> Value {
    let [_, low, high] = asked(m, a)?;
    Ok(high - low)
}

/// Energy below which a battery counts as empty.
fn nothing(m: &Moment) -> Value {
    let (low, high) = m.battery()?.ends()?;
    Ok(1e-14 * (high - low))
}

pub(super) fn evaluate_state_of_charge(m: &Moment, _: &[Argument]) -> Value {
    let c = evaluate_capacity(m, &[])?;
    if c <= nothing(m)? {
        return Err(Undefined::Domain("the capacity is zero, so W/C is undefined".into()));
    }
    Ok(evaluate_ergotropy(m, &[])? / c)
}

pub(super) fn evaluate_efficiency(m: &Moment, _: &[Argument]) -> Value {
    let stored = super::energy::evaluate_stored(m, &[])?;
    if stored <= nothing(m)? {
        return Err(Undefined::Domain("no energy is stored, so W/(E - E_0) is undefined".into()));
    }
    Ok(evaluate_ergotropy(m, &[])? / stored)
}

pub(super) fn evaluate_power(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    // Under unitary evolution the eigenvalues, and with them the passive energy, are constant.
    if m.battery_is_all(cells) && m.motion.is_none_or(|motion| motion.is_unitary()) {
        return m.energy_rate();
    }
    m.tells_spins_apart(&cells.sites)?;
    let Some(levels) = &cells.levels else {
        let state = hermitian_eigen(&traceless(m.battery_state()?))?;
        return Ok(ergotropy_rate(&state, &m.battery_rate()?, cells.hamiltonian()?, cells.eigen()?)?);
    };
    // With multiplicities: each eigenvalue of a block, its rate of change and its multiplicity. Equal eigenvalues are sorted by their
    // rates, which is their order immediately afterwards.
    let Some(rate) = m.battery_rate_blocks()? else { return Ok(0.0) };
    let mut changes: Vec<(f64, f64, f64)> = Vec::new();
    for (block, change) in m.battery_blocks()?.blocks.iter().zip(&rate.blocks) {
        let eigen = hermitian_eigen(&block.matrix)?;
        let rates = eigenvalue_rates(&eigen, &change.matrix)?;
        let one = |x: f64| x / block.copies;
        changes.extend(eigen.values.iter().zip(rates).map(|(&r, d)| (one(r), one(d), block.copies)));
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let end = |x: Option<&(f64, f64, f64)>| x.map_or(0.0, |c| c.0);
    let same = degenerate(end(changes.first()), end(changes.last()));
    let mut start = 0;
    for k in 1..=changes.len() {
        if k == changes.len() || changes[k].0 - changes[k - 1].0 > same {
            changes[start..k].sort_by(|a, b| a.1.total_cmp(&b.1));
            start = k;
        }
    }
    let rates: Vec<(f64, f64)> = changes.into_iter().map(|(_, d, copies)| (d, copies)).collect();
    Ok(m.energy_rate()? - fill(&rates, levels.iter(), 0.0))
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::{C64, conjugate, kron, real};
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
            // Invariant under a rotation of both and under a shift of the energy; proportional to a scale factor.
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
            // Unitary evolution plus relaxation towards another state: the eigenvalues change too.
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
        let once: Vec<(f64, f64)> = [0.1, 0.2, 0.3, 0.4].map(|r| (r, 1.0)).into();
        assert!((fill(&once, levels.iter(), 0.0) - 0.6).abs() < 1e-15);
        assert!((fill(&once, levels.iter().rev(), 0.0) - (1.2 + 0.6 * 2.0)).abs() < 1e-15);
        // Two copies of 0.3 and one of 0.4.
        let copies = [(0.3, 2.0), (0.4, 1.0)];
        assert!((fill(&copies, levels.iter(), 0.0) - 0.6).abs() < 1e-15);
    }
}
