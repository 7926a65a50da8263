//! The product basis: subsystems in the order of declaration, the first being the left factor.

use super::product::{Factors, Product};
use super::site::{Site, SiteKind};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// The whole basis.
#[derive(Debug, Default)]
pub struct Basis {
    /// The subsystems.
    pub sites: Vec<Site>,
    /// The dimension of each, shared by all operators.
    shape: Arc<[usize]>,
    /// Products of local operators that were made before: the members of a sample and the points of a sweep share them.
    pub(super) products: RwLock<HashMap<Factors, Arc<Product>>>,
}

impl PartialEq for Basis {
    fn eq(&self, other: &Basis) -> bool {
        self.sites == other.sites
    }
}

impl Clone for Basis {
    fn clone(&self) -> Basis {
        Basis::new(self.sites.clone())
    }
}

impl Basis {
    /// The basis of some subsystems.
    pub fn new(sites: Vec<Site>) -> Basis {
        Basis { shape: sites.iter().map(|s| s.dimension).collect(), sites, products: RwLock::default() }
    }

    /// The dimension of each subsystem, shared.
    pub(super) fn shape(&self) -> Arc<[usize]> {
        self.shape.clone()
    }

    /// The dimension of each subsystem.
    pub fn dimensions(&self) -> Vec<usize> {
        self.sites.iter().map(|s| s.dimension).collect()
    }

    /// The dimension of the whole, as a floating-point number: it may be too large for anything else.
    pub fn size(&self) -> f64 {
        self.sites.iter().map(|s| s.dimension as f64).product()
    }

    /// The dimension of the whole; only meaningful after [`Basis::size`] was found to be in bounds.
    pub fn dimension(&self) -> usize {
        self.sites.iter().map(|s| s.dimension).product()
    }

    /// The subsystem of a number, which must be one of this basis: those of [`Basis::position`], of operators on this basis, and of
    /// evaluated names are.
    #[expect(clippy::indexing_slicing, reason = "numbers of subsystems are places in this list")]
    pub fn site(&self, number: usize) -> &Site {
        &self.sites[number]
    }

    /// The number of the subsystem with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|s| s.name == name)
    }

    /// The local states of basis state `index`.
    pub fn digits(&self, mut index: usize) -> Vec<usize> {
        let mut digits = vec![0; self.sites.len()];
        for (digit, site) in digits.iter_mut().zip(&self.sites).rev() {
            *digit = index % site.dimension;
            index /= site.dimension;
        }
        digits
    }

    /// The index of a basis state from its local states.
    pub fn index(&self, digits: &[usize]) -> usize {
        digits.iter().zip(&self.sites).fold(0, |index, (digit, site)| index * site.dimension + digit)
    }

    /// Twice the total magnetic quantum number of a basis state.
    pub fn twice_m(&self, index: usize) -> i64 {
        self.twice_m_where(index, |_| true)
    }

    /// The kinds of nuclei: a gradient dephases each kind at its own rate.
    pub fn nuclei(&self) -> Vec<Option<&'static str>> {
        let mut kinds = Vec::new();
        for site in self.sites.iter().filter(|s| s.has_spin()) {
            let kind = site.isotope.map(|i| i.symbol);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Twice the magnetic quantum number of one kind of nuclei.
    pub fn twice_m_of(&self, nucleus: Option<&str>, index: usize) -> i64 {
        self.twice_m_where(index, |s| s.isotope.map(|i| i.symbol) == nucleus)
    }

    fn twice_m_where(&self, mut index: usize, wanted: impl Fn(&Site) -> bool) -> i64 {
        let mut sum = 0;
        for site in self.sites.iter().rev() {
            if wanted(site) {
                sum += site.twice_m(index % site.dimension);
            }
            index /= site.dimension;
        }
        sum
    }

    /// The multiplets of the collectives in a basis state, as one number: an operator made of sums of spins never changes it.
    pub fn multiplet(&self, mut index: usize) -> usize {
        let mut label = 0;
        for site in self.sites.iter().rev() {
            if let SiteKind::Collective { multiplets, .. } = &site.kind {
                label = label * multiplets.len() + site.inside(index % site.dimension).0;
            }
            index /= site.dimension;
        }
        label
    }

    /// Whether some state stands for several of the spins' states.
    pub fn has_copies(&self) -> bool {
        self.sites.iter().any(|s| s.multiplets().iter().any(|m| m.copies > 1.0))
    }
}
