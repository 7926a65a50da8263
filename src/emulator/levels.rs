//! Energy levels of a battery with collective spins, if every unitary on the 2^N states of their spins is allowed.
//!
//! A collective of N spins 1/2 is the sum of multiplets of total spin J = N/2, N/2 - 1, ..., each occurring
//! `C(N, N/2 - J) - C(N, N/2 - J - 1)` times. An operator built from total spins acts identically in every copy, so the levels follow from
//! the multiplets alone and the 2^N states are never formed.

use crate::hamiltonian::{Evaluator, Fault};
use crate::linalg::hermitian_values;
use crate::spin::{Basis, Multiplet, Site, SiteKind};
use crate::syntax::Expr;
use std::sync::Arc;

/// Maximum number of combinations of multiplets; beyond it, quantities that need all levels are undefined.
const MOST_COMBINATIONS: f64 = 100_000.0;

/// The same for the number of their levels.
const MOST_LEVELS: f64 = 1e7;

/// Energy levels of the battery with their degeneracies: see [`levels_of`].
///
/// # Errors
/// If the Hamiltonian cannot be built in a multiplet.
pub fn levels(e: &Evaluator, cells: &[usize]) -> Result<Option<Vec<(f64, f64)>>, Fault> {
    e.experiment.battery.as_ref().map_or(Ok(None), |battery| levels_of(e, cells, &battery.energy))
}

/// Levels of another Hamiltonian on the declared battery.
///
/// # Errors
/// If it cannot be built in a multiplet.
pub fn battery_levels(e: &Evaluator, hamiltonian: &Expr) -> Result<Option<Vec<(f64, f64)>>, Fault> {
    let Some(battery) = &e.experiment.battery else { return Ok(None) };
    let mut cells = Vec::new();
    for cell in &battery.cells {
        cells.extend(e.sites(cell, None)?);
    }
    if cells.is_empty() {
        cells = (0..e.basis.sites.len()).collect();
    }
    levels_of(e, &cells, hamiltonian)
}

/// Levels of a Hamiltonian of the cells, with their degeneracies, ascending; `None` for a battery without collectives, whose levels are the
/// eigenvalues of its matrix, and empty if they are too many.
fn levels_of(e: &Evaluator, cells: &[usize], hamiltonian: &Expr) -> Result<Option<Vec<(f64, f64)>>, Fault> {
    let several = |&s: &usize| match e.basis.site(s).kind {
        SiteKind::Collective { number, twice_spin, .. } if number > 1 => Some((s, Multiplet::all(number, twice_spin))),
        _ => None,
    };
    let collectives: Vec<(usize, Vec<Multiplet>)> = cells.iter().filter_map(several).collect();
    let combinations = collectives.iter().map(|(_, m)| m.len() as f64).product::<f64>();
    if collectives.is_empty() {
        return Ok(None);
    }
    let of_cell = |s: usize| match collectives.iter().find(|(other, _)| *other == s) {
        Some((_, multiplets)) => multiplets.iter().map(|m| m.dimension() as f64).sum(),
        None => e.basis.site(s).dimension as f64,
    };
    if combinations > MOST_COMBINATIONS || cells.iter().map(|&s| of_cell(s)).product::<f64>() > MOST_LEVELS {
        return Ok(Some(vec![]));
    }
    // The Hamiltonian acts on the cells only; other collectives and modes are replaced by the smallest possible ones.
    let mut small = e.basis.sites.clone();
    for (_, site) in small.iter_mut().enumerate().filter(|(k, _)| !cells.contains(k)) {
        match site.kind {
            SiteKind::Collective { number, twice_spin, .. } => {
                let one = vec![Multiplet { twice_j: 1, copies: 1.0 }];
                *site = Site::collective(site.name.clone(), number, twice_spin, one, site.isotope);
            }
            SiteKind::Mode => *site = Site::mode(site.name.clone(), 2),
            SiteKind::Spin => {}
        }
    }
    let mut levels: Vec<(f64, f64)> = Vec::new();
    for combination in 0..combinations as usize {
        let mut rest = combination;
        let mut weight = 1.0f64;
        let mut sites = small.clone();
        for (site, multiplets) in &collectives {
            let Some(&multiplet) = multiplets.get(rest % multiplets.len().max(1)) else { continue };
            rest /= multiplets.len();
            weight *= multiplet.copies;
            if let Some(own) = sites.get_mut(*site)
                && let SiteKind::Collective { number, twice_spin, .. } = own.kind
            {
                *own = Site::collective(own.name.clone(), number, twice_spin, vec![multiplet], own.isotope);
            }
        }
        let mut inside = Evaluator::new(e.experiment, &e.values)?;
        inside.basis = Arc::new(Basis::new(sites));
        let Some(operator) = inside.hamiltonian(hamiltonian)?.restricted(cells) else { return Ok(None) };
        let values = match operator.diagonal() {
            Some(values) => values,
            None => hermitian_values(&operator.matrix()).unwrap_or_default(),
        };
        levels.extend(values.into_iter().map(|energy| (energy, weight)));
    }
    levels.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Equal energies of different multiplets form one level.
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
