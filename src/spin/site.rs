//! Subsystems of a product basis: spins, collectives of equal spins, and modes.

use super::isotope::Isotope;

/// What a subsystem is.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteKind {
    /// A single spin.
    Spin,
    /// Equal spins, touched only through their sums: some of the multiplets of their total spin.
    Collective {
        /// How many.
        number: u32,
        /// Twice the quantum number of each.
        twice_spin: u32,
        /// The multiplets that are kept, the largest spin first.
        multiplets: Vec<Multiplet>,
    },
    /// A harmonic mode, cut off.
    Mode,
}

/// One total spin of a collective. A sum of spins acts alike in every copy, so one copy stands for all of them, and carries
/// their whole population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiplet {
    /// Twice the total spin J.
    pub twice_j: u32,
    /// How often it occurs among the spins.
    pub copies: f64,
}

impl Multiplet {
    /// How many states one copy has.
    pub fn dimension(self) -> usize {
        self.twice_j as usize + 1
    }

    /// All multiplets of `number` spins, the largest J first. With `c(m)` the number of ways to reach the magnetic quantum
    /// number m, J occurs `c(J) - c(J+1)` times; for spins 1/2 that is `C(N, N/2 - J) - C(N, N/2 - J - 1)`.
    #[expect(
        clippy::indexing_slicing,
        reason = "each spin adds as many ways as twice its own, and k counts down to the lowest J"
    )]
    pub fn all(number: u32, twice_spin: u32) -> Vec<Multiplet> {
        // Ways to reach each m, one spin after another; index 0 is the highest m.
        let mut ways = vec![1.0f64];
        for _ in 0..number {
            let mut next = vec![0.0; ways.len() + twice_spin as usize];
            for (k, w) in ways.iter().enumerate() {
                next[k..=k + twice_spin as usize].iter_mut().for_each(|x| *x = (*x + w).min(1e300));
            }
            ways = next;
        }
        let highest = number * twice_spin;
        (0..=highest / 2)
            .map(|k| {
                let above = if k == 0 { 0.0 } else { ways[k as usize - 1] };
                Multiplet { twice_j: highest - 2 * k, copies: ways[k as usize] - above }
            })
            .filter(|m| m.copies >= 1.0)
            .collect()
    }
}

/// A subsystem.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its name; members of an array are `s[1]`, `s[2]` ...
    pub name: String,
    /// What it is.
    pub kind: SiteKind,
    /// The dimension of its space. States of a spin go from m = +I down to -I, those of a collective from multiplet to multiplet
    /// and in each from +J down to -J, those of a mode from the vacuum up.
    pub dimension: usize,
    /// Its nucleus, if one is named.
    pub isotope: Option<&'static Isotope>,
}

impl Site {
    /// A spin of quantum number `twice_spin / 2`.
    pub fn spin(name: impl Into<String>, twice_spin: u32, isotope: Option<&'static Isotope>) -> Site {
        Site { name: name.into(), kind: SiteKind::Spin, dimension: twice_spin as usize + 1, isotope }
    }

    /// A mode of `cutoff` Fock states.
    pub fn mode(name: impl Into<String>, cutoff: usize) -> Site {
        Site { name: name.into(), kind: SiteKind::Mode, dimension: cutoff, isotope: None }
    }

    /// A collective in the multiplets given.
    pub fn collective(
        name: impl Into<String>,
        number: u32,
        twice_spin: u32,
        multiplets: Vec<Multiplet>,
        isotope: Option<&'static Isotope>,
    ) -> Site {
        let dimension = multiplets.iter().map(|m| m.dimension()).sum();
        Site { name: name.into(), kind: SiteKind::Collective { number, twice_spin, multiplets }, dimension, isotope }
    }

    /// Whether it is a spin or a collective of spins, so that it has spin operators.
    pub fn has_spin(&self) -> bool {
        self.kind != SiteKind::Mode
    }

    /// Twice the spin of every multiplet: one for a spin, none for a mode.
    pub fn multiplets(&self) -> Vec<Multiplet> {
        match &self.kind {
            SiteKind::Spin => vec![Multiplet { twice_j: self.dimension as u32 - 1, copies: 1.0 }],
            SiteKind::Collective { multiplets, .. } => multiplets.clone(),
            SiteKind::Mode => vec![],
        }
    }

    /// The multiplet of a local state, and the place in it; `(0, state)` for a mode.
    pub fn inside(&self, state: usize) -> (usize, usize) {
        let mut start = 0;
        if let SiteKind::Collective { multiplets, .. } = &self.kind {
            for (k, m) in multiplets.iter().enumerate() {
                if state < start + m.dimension() {
                    return (k, state - start);
                }
                start += m.dimension();
            }
        }
        (0, state)
    }

    /// How many states of the spins a local state stands for.
    pub fn copies(&self, state: usize) -> f64 {
        match &self.kind {
            SiteKind::Collective { multiplets, .. } => multiplets.get(self.inside(state).0).map_or(1.0, |m| m.copies),
            SiteKind::Spin | SiteKind::Mode => 1.0,
        }
    }

    /// Twice the magnetic quantum number of a local state, 0 for a mode.
    pub fn twice_m(&self, state: usize) -> i64 {
        let (k, place) = self.inside(state);
        match &self.kind {
            SiteKind::Spin => self.dimension as i64 - 1 - 2 * place as i64,
            SiteKind::Collective { multiplets, .. } => {
                multiplets.get(k).map_or(0, |m| i64::from(m.twice_j)) - 2 * place as i64
            }
            SiteKind::Mode => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_multiplets_together_have_every_state() {
        for (number, twice_spin) in [(1, 1), (2, 1), (3, 1), (7, 1), (20, 1), (3, 2), (4, 3), (2, 8)] {
            let states: f64 = Multiplet::all(number, twice_spin).iter().map(|m| m.copies * m.dimension() as f64).sum();
            assert_eq!(states, f64::from(twice_spin + 1).powi(number as i32), "{number} spins {twice_spin}/2");
        }
        let four: Vec<(u32, f64)> = Multiplet::all(4, 1).iter().map(|m| (m.twice_j, m.copies)).collect();
        assert_eq!(four, [(4, 1.0), (2, 3.0), (0, 2.0)]);
    }

    #[test]
    fn a_collective_counts_through_its_multiplets() {
        let site = Site::collective("c", 3, 1, Multiplet::all(3, 1), None);
        assert_eq!(site.dimension, 6);
        assert_eq!((0..6).map(|k| site.twice_m(k)).collect::<Vec<_>>(), [3, 1, -1, -3, 1, -1]);
        assert_eq!((0..6).map(|k| site.copies(k)).collect::<Vec<_>>(), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
