//! Batteries with collectives: of every total-J multiplet one copy is stored, with the population of all its copies.
//!
//! A multiplet of weight p that occurs c times is c equal blocks of weight p/c, and a multiplet that no state reaches is not stored at all.
//! Quantities that are linear in the state do not depend on this. Its eigenvalues do, and so do the levels that they fill.

#![expect(clippy::indexing_slicing, reason = "multiplets are lists of states of the battery's space")]

use super::deviation::Spectrum;
use super::levels::Level;
use super::single_site::pauli;
use super::{Moment, Undefined};
use crate::linalg::{LinalgError, Matrix, hermitian_values, norm_squared, real, trace_of_product};
use crate::spin::{Basis, LocalKind, Operator, Site, SiteKind, dephase};
use std::sync::Arc;

/// The stored multiplets of a battery with collectives.
pub(super) struct Multiplets<'a> {
    /// States of one copy, and the number of copies.
    lists: Vec<(Vec<usize>, f64)>,
    /// All levels of the battery, ascending.
    pub levels: &'a [Level],
    /// Number of states of the battery.
    states: f64,
    /// True if every multiplet of its collectives is stored.
    complete: bool,
}

impl Multiplets<'_> {
    /// Population of every state if all are equally populated, and a matrix without its share of that; `(0, matrix)` if some multiplets
    /// are not stored.
    fn less_even(&self, state: &Matrix) -> (f64, Matrix) {
        let mut deviation = state.clone();
        if !self.complete {
            return (0.0, deviation);
        }
        let mean = state.trace().re / self.states;
        for (list, copies) in &self.lists {
            list.iter().for_each(|&k| deviation[(k, k)] -= real(mean * copies));
        }
        (mean, deviation)
    }

    /// Eigenvalues of a state without coherences between multiplets, from its deviation from `mean`.
    fn spectrum_from(&self, mean: f64, deviation: &Matrix) -> Result<Spectrum, LinalgError> {
        let mut parts = Vec::with_capacity(deviation.nrows());
        for (list, copies) in &self.lists {
            let inside = Matrix::from_fn(list.len(), list.len(), |i, j| deviation[(list[i], list[j])]);
            parts.extend(hermitian_values(&inside)?.into_iter().map(|x| (x / copies, *copies)));
        }
        Ok(Spectrum::new(mean, parts, self.states))
    }

    /// Eigenvalues of a state of the battery, of any trace, with multiplicities.
    ///
    /// # Errors
    /// When they cannot be computed.
    pub fn spectrum(&self, state: &Matrix) -> Result<Spectrum, LinalgError> {
        let (mean, deviation) = self.less_even(state);
        self.spectrum_from(mean, &deviation)
    }
}

impl Moment<'_> {
    /// The multiplets of a battery with collectives; `None` for a battery whose states are all stored.
    ///
    /// # Errors
    /// When no battery is declared, or its levels are not known.
    pub(super) fn multiplets(&self) -> Result<Option<Multiplets<'_>>, Undefined> {
        let cells = self.battery()?;
        if cells.levels.is_none() {
            return Ok(None);
        }
        let all = self.scene.space.basis();
        let sites: Vec<Site> = cells.sites.iter().map(|&s| all.site(s).clone()).collect();
        let complete = sites.iter().all(Site::has_every_multiplet);
        let part = Basis::new(sites);
        let copies = |k: usize| part.digits(k).iter().zip(&part.sites).map(|(d, s)| s.copies(*d)).product::<f64>();
        let lists = self.scene.multiplets_of(&cells.sites).into_iter();
        let lists = lists.map(|list| (list.first().map_or(1.0, |&k| copies(k)), list)).map(|(c, list)| (list, c));
        Ok(Some(Multiplets { lists: lists.collect(), levels: cells.all_levels()?, states: cells.states(), complete }))
    }

    /// Eigenvalues of the battery's state without the coherences between its levels, with multiplicities; `None` for a battery whose
    /// states are all stored.
    ///
    /// # Errors
    /// When they cannot be computed.
    pub(super) fn dephased_spectrum(&self) -> Result<Option<Spectrum>, Undefined> {
        let Some(multiplets) = self.multiplets()? else { return Ok(None) };
        let (mean, deviation) = multiplets.less_even(self.battery_state()?);
        Ok(Some(multiplets.spectrum_from(mean, &dephase(&deviation, self.battery()?.eigen()?))?))
    }

    /// Rejects quantities that count the states of the whole system, if the states of a collective are not stored one by one.
    ///
    /// # Errors
    /// When there is a collective of several spins.
    pub fn counts_every_state(&self) -> Result<(), Undefined> {
        self.each_site(Site::has_every_state, |site| {
            format!("it counts all states of the system, and the collective `{}` is stored by multiplets", site.name)
        })
    }

    /// Rejects quantities that depend on multiplets that the state does not reach.
    ///
    /// # Errors
    /// When a collective is stored in its symmetric multiplet only.
    pub(super) fn has_every_multiplet(&self) -> Result<(), Undefined> {
        self.each_site(Site::has_every_multiplet, |site| {
            format!("it depends on multiplets of the collective `{}` that are not stored", site.name)
        })
    }

    /// Rejects quantities of the single spins of these subsystems.
    ///
    /// # Errors
    /// When one of them is a collective of several spins.
    pub(super) fn has_single_spins(&self, sites: &[usize]) -> Result<(), Undefined> {
        let basis = self.scene.space.basis();
        match sites.iter().map(|&s| basis.site(s)).find(|site| !site.has_every_state()) {
            Some(site) => Err(Undefined::Domain(format!(
                "the single spins of the collective `{}` are not stored; {}",
                site.name,
                single_spins(site)
            ))),
            None => Ok(()),
        }
    }

    fn each_site(&self, holds: fn(&Site) -> bool, why: impl Fn(&Site) -> String) -> Result<(), Undefined> {
        match self.scene.space.basis().sites.iter().find(|site| !holds(site)) {
            Some(site) => Err(Undefined::Domain(format!("{}; {}", why(site), single_spins(site)))),
            None => Ok(()),
        }
    }
}

/// The next step for a quantity that a collective does not have.
fn single_spins(site: &Site) -> String {
    let SiteKind::Collective { number, twice_spin, .. } = site.kind else { return String::new() };
    let spin = match (site.isotope, twice_spin % 2) {
        (Some(isotope), _) => isotope.symbol.to_string(),
        (None, 0) => (twice_spin / 2).to_string(),
        (None, _) => format!("{twice_spin}/2"),
    };
    format!("declare individual spins: `spin {}[{number}] : {spin}`", site.name)
}

/// The number of equal spins of a subsystem, and the state and the Hamiltonian of one of them, from those of the subsystem. For a collective
/// of spins 1/2 the state follows from `<I>/N`; the Hamiltonian is `b . I`, the same for each spin.
///
/// # Errors
/// When the Hamiltonian couples the spins of a collective, or their spin is not 1/2.
pub(super) fn one_of_many(site: &Site, state: &Matrix, energy: &Matrix) -> Result<(f64, Matrix, Matrix), Undefined> {
    let number = match site.kind {
        SiteKind::Collective { number, .. } if number > 1 => f64::from(number),
        _ => return Ok((1.0, state.clone(), energy.clone())),
    };
    let refused = |why: &str| Undefined::Domain(format!("{why} `{}`; {}", site.name, single_spins(site)));
    if !matches!(site.kind, SiteKind::Collective { twice_spin: 1, .. }) {
        return Err(refused("sums over the spins do not determine the state of one spin above 1/2 of the collective"));
    }
    let basis = Arc::new(Basis::new(vec![site.clone()]));
    let (mut one, mut local) = (pauli(0) * real(0.5), Matrix::zeros(2, 2));
    let mut rest = super::deviation::traceless(energy);
    let size = norm_squared(&rest);
    for (axis, kind) in [LocalKind::Ix, LocalKind::Iy, LocalKind::Iz].into_iter().enumerate() {
        let Some(total) = Operator::of(&basis, kind, 0).map(|o| o.matrix()) else { continue };
        let own = pauli(axis + 1);
        one += &own * real(trace_of_product(state, &total).re / number);
        let field = trace_of_product(energy, &total).re / norm_squared(&total);
        local += own * real(0.5 * field);
        rest -= total * real(field);
    }
    if norm_squared(&rest) > 1e-18 * size {
        return Err(Undefined::Domain(format!(
            "the Hamiltonian couples the spins of the collective `{}`, so it is not a sum of local parts; give an operator without couplings",
            site.name
        )));
    }
    Ok((number, one, local))
}
