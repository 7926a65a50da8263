//! The product basis: subsystems in the order of declaration, the first being the left factor.

use super::isotope::Isotope;

/// What a subsystem is.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteKind {
    /// A single spin.
    Spin,
    /// Equal spins in their symmetric multiplet, the one of the largest total spin.
    Collective {
        /// How many.
        number: u32,
        /// Twice the quantum number of each.
        twice_spin: u32,
    },
    /// A harmonic mode, cut off.
    Mode,
}

/// A subsystem.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name; members of an array are `s[1]`, `s[2]` ...
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
    /// The dimension of its space. States of a spin go from m = +I down to -I, those of a mode from the vacuum up.
    pub dimension: usize,
    /// Its nucleus, if one is named.
    pub isotope: Option<&'static Isotope>,
}

impl Site {
    /// Twice the total spin; `None` for a mode.
    pub fn twice_spin(&self) -> Option<u32> {
        match self.kind {
            SiteKind::Spin | SiteKind::Collective { .. } => Some(self.dimension as u32 - 1),
            SiteKind::Mode => None,
        }
    }

    /// Twice the magnetic quantum number of a local state, 0 for a mode.
    fn twice_m(&self, state: usize) -> i64 {
        self.twice_spin().map_or(0, |twice| i64::from(twice) - 2 * state as i64)
    }
}

/// The whole basis.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The subsystems.
    pub sites: Vec<Site>,
}

impl Basis {
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

    /// Twice the total magnetic quantum number of every basis state.
    pub fn twice_m(&self) -> Vec<i64> {
        self.twice_m_where(|_| true)
    }

    /// The same, one list for each kind of nucleus: a gradient dephases each kind at its own rate.
    pub fn twice_m_by_nucleus(&self) -> Vec<Vec<i64>> {
        let mut kinds: Vec<Option<&str>> = Vec::new();
        for site in self.sites.iter().filter(|s| s.twice_spin().is_some()) {
            let kind = site.isotope.map(|i| i.symbol);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds.into_iter().map(|kind| self.twice_m_where(|s| s.isotope.map(|i| i.symbol) == kind)).collect()
    }

    fn twice_m_where(&self, wanted: impl Fn(&Site) -> bool) -> Vec<i64> {
        (0..self.dimension())
            .map(|index| {
                let digits = self.digits(index);
                self.sites.iter().zip(digits).filter(|(s, _)| wanted(s)).map(|(s, d)| s.twice_m(d)).sum()
            })
            .collect()
    }
}
