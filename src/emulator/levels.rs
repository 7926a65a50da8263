//! The levels of a battery that contains collectives, when every unitary on the 2^N states of their spins is allowed.
//!
//! A collective of N spins 1/2 is the sum of multiplets of total spin J = N/2, N/2 - 1, ..., each occurring
//! `C(N, N/2 - J) - C(N, N/2 - J - 1)` times. An operator made of total spins acts alike in every copy, so the levels follow from
//! the multiplets alone, and the 2^N states are never formed.

use crate::hamiltonian::{Evaluator, Fault};
use crate::linalg::hermitian_values;
use crate::spin::{Basis, SiteKind};
use std::sync::Arc;

/// More combinations of multiplets than this are not worked through; ergotropy is then that within the multiplets.
const MOST_COMBINATIONS: usize = 100_000;

/// The number of copies of the multiplet with `N/2 - J = k`.
fn copies(number: u32, k: u32) -> f64 {
    let binomial = |k: u32| (1..=k).fold(1.0f64, |b, i| b * f64::from(number - k + i) / f64::from(i));
    let below = if k == 0 { 0.0 } else { binomial(k - 1) };
    (binomial(k) - below).min(1e300)
}

/// Energies and how many states have them; `None` for a battery without collectives, whose levels are those of its matrix.
///
/// # Errors
/// When the Hamiltonian cannot be built in a multiplet.
pub fn levels(e: &Evaluator, cells: &[usize]) -> Result<Option<Vec<(f64, f64)>>, Fault> {
    let Some(battery) = &e.experiment.battery else { return Ok(None) };
    let collectives: Vec<(usize, u32)> = cells
        .iter()
        .filter_map(|&s| match e.basis.sites[s].kind {
            SiteKind::Collective { number, twice_spin: 1 } if number > 1 => Some((s, number)),
            _ => None,
        })
        .collect();
    let combinations: usize = collectives.iter().map(|(_, n)| *n as usize / 2 + 1).product();
    if collectives.is_empty() || combinations > MOST_COMBINATIONS {
        return Ok(None);
    }
    let mut levels: Vec<(f64, f64)> = Vec::new();
    for combination in 0..combinations {
        let mut rest = combination;
        let mut weight = 1.0f64;
        let mut basis = Basis { sites: e.basis.sites.clone() };
        for &(site, number) in &collectives {
            let multiplets = number as usize / 2 + 1;
            let k = (rest % multiplets) as u32;
            rest /= multiplets;
            weight *= copies(number, k);
            basis.sites[site].dimension = (number - 2 * k + 1) as usize;
        }
        let mut inside = Evaluator::new(e.experiment, &e.values)?;
        inside.basis = Arc::new(basis);
        let Some(operator) = inside.hamiltonian(&battery.energy)?.restricted(cells) else { return Ok(None) };
        let values = match operator.diagonal() {
            Some(values) => values,
            None => hermitian_values(&operator.matrix()).unwrap_or_default(),
        };
        levels.extend(values.into_iter().map(|energy| (energy, weight)));
    }
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Equal energies of different multiplets are one level.
    let scale = levels.iter().map(|l| l.0.abs()).fold(0.0, f64::max);
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (energy, weight) in levels {
        match merged.last_mut() {
            Some((last, sum)) if energy - *last <= 1e-13 * scale => *sum = (*sum + weight).min(1e300),
            _ => merged.push((energy, weight)),
        }
    }
    Ok(Some(merged))
}

#[cfg(test)]
mod tests {
    use super::copies;

    #[test]
    fn all_multiplets_together_have_two_to_the_n_states() {
        for number in [1, 2, 3, 7, 10, 20] {
            let states: f64 = (0..=number / 2).map(|k| copies(number, k) * f64::from(number - 2 * k + 1)).sum();
            assert_eq!(states, 2f64.powi(number as i32));
        }
    }
}
