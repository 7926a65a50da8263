//! Product basis: subsystems in the order of declaration; the first is the leftmost tensor factor.

use super::product::{Factors, Product};
use super::site::{Site, SiteKind};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

/// Product basis of all subsystems.
#[derive(Debug, Default)]
pub struct Basis {
    /// The subsystems, in order.
    pub sites: Vec<Site>,
    /// Dimension of each subsystem, shared by all operators.
    shape: Arc<[usize]>,
    /// Cache of products of local operators, shared by the members of an ensemble and the points of a sweep.
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
    /// Product basis of the given subsystems.
    pub fn new(sites: Vec<Site>) -> Basis {
        Basis { shape: sites.iter().map(|s| s.dimension).collect(), sites, products: RwLock::default() }
    }

    /// Dimension of each subsystem, shared.
    pub(super) fn shape(&self) -> Arc<[usize]> {
        self.shape.clone()
    }

    /// Dimension of each subsystem.
    pub fn dimensions(&self) -> Vec<usize> {
        self.sites.iter().map(|s| s.dimension).collect()
    }

    /// Total dimension as a floating-point number, since it may overflow an integer.
    pub fn size(&self) -> f64 {
        self.sites.iter().map(|s| s.dimension as f64).product()
    }

    /// Total dimension; valid only after [`Basis::size`] was checked to be within bounds.
    pub fn dimension(&self) -> usize {
        self.sites.iter().map(|s| s.dimension).product()
    }

    /// The subsystem with this index, which must belong to this basis: indices from [`Basis::position`], of operators on this basis, and of
    /// evaluated names do.
    #[expect(clippy::indexing_slicing, reason = "subsystem indices are positions in this list")]
    pub fn site(&self, number: usize) -> &Site {
        &self.sites[number]
    }

    /// Index of the subsystem with this name.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|s| s.name == name)
    }

    /// Local states of the basis state `index`.
    pub fn digits(&self, mut index: usize) -> Vec<usize> {
        let mut digits = vec![0; self.sites.len()];
        for (digit, site) in digits.iter_mut().zip(&self.sites).rev() {
            *digit = index % site.dimension;
            index /= site.dimension;
        }
        digits
    }

    /// Index of a basis state from its local states.
    pub fn index(&self, digits: &[usize]) -> usize {
        digits.iter().zip(&self.sites).fold(0, |index, (digit, site)| index * site.dimension + digit)
    }

    /// Twice the total magnetic quantum number of a basis state.
    pub fn twice_m(&self, index: usize) -> i64 {
        self.twice_m_where(index, |_| true)
    }

    /// Kinds of nuclei in the basis: a gradient dephases each kind at its own rate.
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

    /// Twice the total magnetic quantum number of one kind of nuclei.
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

    /// Label of the multiplets of all collectives in a basis state; conserved by collective operators.
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

    /// True if some basis state represents several equivalent multiplet copies.
    pub fn has_copies(&self) -> bool {
        self.sites.iter().any(|s| s.multiplets().iter().any(|m| m.copies > 1.0))
    }
}
