//! Eigenvalues of states, and quantities available without forming the density matrix.
//!
//! Unitaries conserve the eigenvalues of the whole state: they are computed once for every part of a run with purely unitary evolution.
//! A pure state has the eigenvalue 1 and needs no matrix; the eigenvalues of its reduced states are the squared Schmidt coefficients,
//! computed on the smaller of the two sides.

#![expect(
    clippy::indexing_slicing,
    reason = "a state has one entry per basis state of its space, and subsystem indices belong to the scene"
)]

use super::cells::{Cells, LARGEST_MATRIX, too_large};
use super::deviation::Spectrum;
use super::levels::Levels;
use super::{Moment, Scene, Undefined};
use crate::linalg::{Matrix, Vector, hermitian_values, singular_values};
use crate::spin::{State, schmidt_matrix};
use std::rc::Rc;

/// Maximum length of a state vector expanded on the whole product space.
const LONGEST: f64 = 1_048_576.0;

impl Scene {
    /// Maximally mixed state, as the population of every state of the space; `None` if the space is only a subspace of the product
    /// space, so that the state is far from maximally mixed.
    pub(super) fn even(&self) -> Option<&[f64]> {
        let shares = || {
            let basis = self.space.basis();
            if !self.space.is_whole() || !self.space.groups().is_empty() {
                return None;
            }
            let copies = |k: usize| -> f64 {
                match basis.has_copies() {
                    false => 1.0,
                    true => basis.digits(k).iter().zip(&basis.sites).map(|(d, s)| s.copies(*d)).product(),
                }
            };
            let all: Vec<f64> = (0..self.space.len()).map(copies).collect();
            let sum: f64 = all.iter().sum();
            Some(all.into_iter().map(|c| c / sum).collect())
        };
        self.even.get_or_init(shares).as_deref()
    }

    /// Density matrix minus `Tr[rho]` times the maximally mixed state; `None` for a pure state or a subspace.
    fn less_even(&self, state: &State) -> Option<Matrix> {
        let State::Mixed(rho) = state else { return None };
        let even = self.even()?;
        let trace = rho.trace();
        let mut deviation = rho.clone();
        even.iter().enumerate().for_each(|(k, share)| deviation[(k, k)] -= trace * *share);
        Some(deviation)
    }

    /// Deviation of the prepared state from the maximally mixed state; `None` for a pure state.
    pub(super) fn initial_deviation(&self) -> Option<&Matrix> {
        self.initial_deviation.get_or_init(|| self.less_even(&self.initial)).as_ref()
    }

    /// Battery energy in the maximally mixed state of the stored multiplets, rad/s.
    pub(super) fn even_energy(&self, cells: &Cells) -> f64 {
        *self.even_energy.get_or_init(|| match (self.even(), cells.energy().sparse()) {
            (Some(even), Some(sparse)) if self.space.basis().has_copies() => {
                let mut sum = 0.0;
                sparse.visit(|i, j, v| sum += if i == j { v.re * even[i] } else { 0.0 });
                sum
            }
            _ => cells.inside().operator().mean().re,
        })
    }
}

impl Moment<'_> {
    /// Deviation of the density matrix from the maximally mixed state; `None` for a pure state, or if the space is only a subspace.
    pub fn deviation(&self) -> Option<&Matrix> {
        self.cache.deviation.get_or_init(|| self.scene.less_even(self.state)).as_ref()
    }

    /// Rejects metrics that distinguish the spins of a collective stored as an average over their permutations.
    ///
    /// # Errors
    /// When one of the subsystems is such a collective.
    pub fn tells_spins_apart(&self, sites: &[usize]) -> Result<(), Undefined> {
        let Some(site) = sites.iter().find(|s| self.scene.averaged.sites.contains(s)) else { return Ok(()) };
        let name = &self.scene.space.basis().site(*site).name;
        Err(Undefined::Domain(format!(
            "`definite` spins of the collective `{name}` are stored as their average over permutations, which has the correct energies but a different spectrum; declare individual spins: `spin {name}[n] : 1/2`"
        )))
    }

    /// True if the battery is the whole system.
    pub(super) fn battery_is_all(&self, cells: &Cells) -> bool {
        cells.sites.iter().copied().eq(0..self.scene.dimensions.len())
    }

    /// State vector on the product space, if the battery is the whole system, its state is pure, and each of its states counts once.
    pub(super) fn pure_battery(&self) -> Option<(&Vector, &Levels)> {
        let cells = self.scene.whole_battery()?;
        Some((self.pure_system()?, cells.inside()))
    }

    /// State vector on the product space, if the state is pure and each state of the space counts once.
    pub(super) fn pure_system(&self) -> Option<&Vector> {
        let State::Pure(psi) = self.state else { return None };
        let basis = self.scene.space.basis();
        if basis.has_copies() {
            return None;
        }
        if self.scene.space.is_whole() {
            return Some(psi);
        }
        if basis.size() > LONGEST {
            return None;
        }
        let embedded = || match self.scene.space.embedded(self.state) {
            State::Pure(whole) => whole,
            State::Mixed(_) => psi.clone(),
        };
        Some(self.cache.vector.get_or_init(embedded))
    }

    /// Eigenvalues of the state of the whole system.
    ///
    /// # Errors
    /// When they cannot be computed, or the state is stored as an average over permutations.
    pub fn system_spectrum(&self) -> Result<Rc<Spectrum>, Undefined> {
        if !self.scene.averaged.sites.is_empty() {
            // Collective unitaries act identically on each permutation, so an initially pure state stays pure.
            if self.scene.averaged.pure && self.unitary_part == Some(0) {
                return Ok(Rc::new(Spectrum::pure(self.all_states())));
            }
            self.tells_spins_apart(&self.scene.averaged.sites)?;
        }
        if let (State::Pure(_), false) = (self.state, self.scene.space.basis().has_copies()) {
            return Ok(Rc::new(Spectrum::pure(self.all_states())));
        }
        let Some(part) = self.unitary_part else { return Ok(Rc::new(self.find_spectrum()?)) };
        let known = self.scene.conserved.borrow().as_ref().filter(|(p, _)| *p == part).map(|(_, s)| s.clone());
        if let Some(known) = known {
            return Ok(known);
        }
        let found = Rc::new(self.find_spectrum()?);
        *self.scene.conserved.borrow_mut() = Some((part, found.clone()));
        Ok(found)
    }

    /// Number of states of the whole system.
    fn all_states(&self) -> f64 {
        self.scene.space.basis().size()
    }

    fn find_spectrum(&self) -> Result<Spectrum, Undefined> {
        let basis = self.scene.space.basis();
        if basis.has_copies() {
            let all: Vec<usize> = (0..basis.sites.len()).collect();
            return self.reduced_spectrum(&all, None);
        }
        let values = |m: &Matrix| -> Result<Vec<(f64, f64)>, Undefined> {
            if m.nrows() > LARGEST_MATRIX {
                return Err(too_large("the system", m.nrows()));
            }
            Ok(hermitian_values(m)?.into_iter().map(|x| (x, 1.0)).collect())
        };
        match (self.deviation(), self.state) {
            (Some(deviation), _) => Ok(Spectrum::new(1.0 / self.all_states(), values(deviation)?, self.all_states())),
            (None, State::Mixed(rho)) => Ok(Spectrum::new(0.0, values(rho)?, self.all_states())),
            (None, State::Pure(_)) => Ok(Spectrum::pure(self.all_states())),
        }
    }

    /// Eigenvalues of the reduced state of some subsystems, by blocks. `states`: number of states of these subsystems, if known.
    fn reduced_spectrum(&self, keep: &[usize], states: Option<f64>) -> Result<Spectrum, Undefined> {
        let reduction = self.scene.reduction(keep);
        let largest = reduction.largest_block();
        if largest > LARGEST_MATRIX {
            return Err(too_large("the part", largest));
        }
        let basis = self.scene.space.basis();
        let size = |s: &usize| -> f64 {
            let site = basis.site(*s);
            (0..site.dimension).map(|k| site.copies(k)).sum()
        };
        let kept: f64 = keep.iter().map(size).product();
        let (mean, blocks) = match self.deviation() {
            Some(deviation) => (1.0 / kept, reduction.matrix(deviation)),
            None => (0.0, reduction.reduce(self.state)),
        };
        let mut parts = Vec::new();
        for block in &blocks.blocks {
            let values = hermitian_values(&block.matrix)?;
            parts.extend(values.into_iter().map(|x| (x / block.copies, block.copies)));
        }
        Ok(Spectrum::new(mean, parts, states.unwrap_or(kept)))
    }

    /// Schmidt coefficients of a pure state between some subsystems and the rest; `None` if the state is not pure, or not available on
    /// the product space.
    ///
    /// # Errors
    /// When they cannot be computed at this size.
    pub(super) fn schmidt(&self, keep: &[usize]) -> Result<Option<Vec<f64>>, Undefined> {
        let Some(psi) = self.pure_system() else { return Ok(None) };
        let m = schmidt_matrix(psi, &self.scene.dimensions, keep);
        let smaller = m.nrows().min(m.ncols());
        if smaller > LARGEST_MATRIX / 4 {
            return Err(too_large("the smaller side of the state", smaller));
        }
        Ok(Some(singular_values(&m)?))
    }

    /// Eigenvalues of the reduced state of some subsystems.
    ///
    /// # Errors
    /// When they cannot be computed at this size, or the state is stored as an average over permutations.
    pub fn spectrum_of(&self, keep: &[usize]) -> Result<Spectrum, Undefined> {
        self.tells_spins_apart(keep)?;
        if let Some(coefficients) = self.schmidt(keep)? {
            let states: f64 = keep.iter().map(|&s| self.scene.dimensions[s] as f64).product();
            let parts: Vec<(f64, f64)> = coefficients.iter().map(|s| (s * s, 1.0)).collect();
            return Ok(if parts.len() == 1 { Spectrum::pure(states) } else { Spectrum::new(0.0, parts, states) });
        }
        self.reduced_spectrum(keep, None)
    }

    /// Eigenvalues of the battery's reduced state, with multiplicities.
    ///
    /// # Errors
    /// When no battery is declared, they cannot be computed, or the state is stored as an average over permutations.
    pub fn battery_spectrum(&self) -> Result<Rc<Spectrum>, Undefined> {
        self.cache.spectrum.get_or_init(|| self.find_battery_spectrum()).clone()
    }

    fn find_battery_spectrum(&self) -> Result<Rc<Spectrum>, Undefined> {
        let cells = self.battery()?;
        let among_its_states = |s: &Spectrum| match s.is_pure() {
            true => Spectrum::pure(cells.states()),
            false => Spectrum::new(s.mean, s.parts.clone(), cells.states()),
        };
        if self.battery_is_all(cells) {
            let all = self.system_spectrum()?;
            return Ok(if all.states == cells.states() { all } else { Rc::new(among_its_states(&all)) });
        }
        Ok(Rc::new(among_its_states(&self.spectrum_of(&cells.sites)?)))
    }

    /// Reference energy, and energy of the battery above it. If the reference is the energy of the maximally mixed state, the second is
    /// computed from the deviation alone.
    ///
    /// # Errors
    /// When no battery is declared.
    pub(super) fn energy_above(&self, spectrum: &Spectrum) -> Result<(f64, f64), Undefined> {
        let cells = self.battery()?;
        if spectrum.mean == 0.0 {
            return Ok((0.0, self.energy()?));
        }
        let reference = cells.mean_level();
        Ok(match (self.state, self.deviation()) {
            (State::Mixed(_), Some(deviation)) => (reference, cells.energy().trace_with(deviation).re),
            _ => (reference, self.energy()? - reference),
        })
    }
}
