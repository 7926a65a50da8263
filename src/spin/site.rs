//! Subsystems of a product basis: spins, collectives of identical spins, and modes.

use super::isotope::Isotope;

/// Kind of a subsystem.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteKind {
    /// A single spin.
    Spin,
    /// Identical spins that interact only through their collective operators, in the basis of total-J multiplets.
    Collective {
        /// Number of spins.
        number: u32,
        /// Twice the spin quantum number of each.
        twice_spin: u32,
        /// The stored multiplets, in descending J.
        multiplets: Vec<Multiplet>,
    },
    /// A harmonic mode with a Fock-space cutoff.
    Mode,
}

/// A total-J multiplet of a collective. Collective operators act identically on all its copies, so one copy represents all of them and
/// carries their whole population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Multiplet {
    /// Twice the total spin J.
    pub twice_j: u32,
    /// Multiplicity of this J among the spins.
    pub copies: f64,
}

impl Multiplet {
    /// Number of states of one copy, 2J + 1.
    pub fn dimension(self) -> usize {
        self.twice_j as usize + 1
    }

    /// Multiplets of `number` spins, in descending J. With `c(m)` product states of magnetic quantum number m, J occurs
    /// `c(J) - c(J+1)` times; for spins 1/2 that is `C(N, N/2 - J) - C(N, N/2 - J - 1)`. Those at which both numbers exceed
    /// 1e300, from about a thousand spins on, are omitted.
    pub fn all(number: u32, twice_spin: u32) -> Vec<Multiplet> {
        let ways = ways(number, twice_spin as usize);
        let highest = number * twice_spin;
        let above = std::iter::once(&0.0).chain(&ways);
        (0..=highest / 2)
            .zip(ways.iter().zip(above))
            .map(|(k, (ways, above))| Multiplet { twice_j: highest - 2 * k, copies: ways - above })
            .filter(|m| m.copies >= 1.0)
            .collect()
    }
}

/// The largest number of product states that is counted.
const MOST_COPIES: f64 = 1e300;

/// Number of product states of spins for each m in descending order, up to the first that reaches [`MOST_COPIES`]: the numbers grow from there
/// to m = 0, which is as far as they are used. Counts one spin after the other.
fn ways(number: u32, twice_spin: usize) -> Vec<f64> {
    let mut ways = vec![1.0f64];
    for _ in 0..number {
        let saturated = ways.last().is_some_and(|w| *w >= MOST_COPIES);
        let length = if saturated { ways.len() } else { ways.len() + twice_spin };
        let mut next = vec![0.0f64; length];
        for (k, w) in ways.iter().enumerate() {
            next.iter_mut().skip(k).take(twice_spin + 1).for_each(|x| *x = (*x + w).min(MOST_COPIES));
        }
        // The numbers rise to the middle; from a saturated one on, all that are used are saturated.
        if let Some(first) = next.iter().position(|w| *w >= MOST_COPIES) {
            next.truncate(first + 1);
        }
        ways = next;
    }
    ways
}

/// A subsystem.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Name; elements of an array are `s[1]`, `s[2]` ...
    pub name: String,
    /// Its kind.
    pub kind: SiteKind,
    /// Dimension of its space. States are ordered from m = +I down to -I for a spin, by multiplet and within each from +J down to -J for a
    /// collective, and from the vacuum up for a mode.
    pub dimension: usize,
    /// Its isotope, if declared.
    pub isotope: Option<&'static Isotope>,
}

impl Site {
    /// A spin of quantum number `twice_spin / 2`.
    pub fn spin(name: impl Into<String>, twice_spin: u32, isotope: Option<&'static Isotope>) -> Site {
        Site { name: name.into(), kind: SiteKind::Spin, dimension: twice_spin as usize + 1, isotope }
    }

    /// A mode with `cutoff` Fock states.
    pub fn mode(name: impl Into<String>, cutoff: usize) -> Site {
        Site { name: name.into(), kind: SiteKind::Mode, dimension: cutoff, isotope: None }
    }

    /// A collective with the given multiplets.
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

    /// True for a spin or a collective, which have spin operators.
    pub fn has_spin(&self) -> bool {
        self.kind != SiteKind::Mode
    }

    /// Multiplets of the subsystem: one for a spin, none for a mode.
    pub fn multiplets(&self) -> Vec<Multiplet> {
        match &self.kind {
            SiteKind::Spin => vec![Multiplet { twice_j: self.dimension as u32 - 1, copies: 1.0 }],
            SiteKind::Collective { multiplets, .. } => multiplets.clone(),
            SiteKind::Mode => vec![],
        }
    }

    /// True if each of its states is stored: not for a collective of several spins, of which one copy of a multiplet stands for all.
    pub fn has_every_state(&self) -> bool {
        !matches!(self.kind, SiteKind::Collective { number, .. } if number > 1)
    }

    /// True if each of its multiplets is stored, not only that of the largest J.
    pub fn has_every_multiplet(&self) -> bool {
        self.has_every_state() || self.multiplets().len() > 1
    }

    /// Multiplet of a local state and the index within it; `(0, state)` for a mode.
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

    /// Number of equivalent multiplet copies that a local state represents.
    pub fn copies(&self, state: usize) -> f64 {
        match &self.kind {
            SiteKind::Collective { multiplets, .. } => multiplets.get(self.inside(state).0).map_or(1.0, |m| m.copies),
            SiteKind::Spin | SiteKind::Mode => 1.0,
        }
    }

    /// Twice the magnetic quantum number of a local state; 0 for a mode.
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

    /// Beyond the largest number, multiplets end: C(2000, k) exceeds 1e300 from k = 221 on (by integers), below which every number is
    /// `C(N, k) - C(N, k - 1)`.
    #[test]
    fn numbers_of_copies_end_where_they_are_too_large() {
        let all = Multiplet::all(2000, 1);
        let binomial = |k: u32| (0..k).map(|i| f64::from(2000 - i) / f64::from(k - i)).product::<f64>();
        let length = (0..).take_while(|k| binomial(*k) < MOST_COPIES).count();
        assert_eq!(all.len(), length + 1);
        for (k, m) in all.iter().enumerate().take(length).skip(1) {
            let expected = binomial(k as u32) - binomial(k as u32 - 1);
            assert_eq!(m.twice_j, 2000 - 2 * k as u32);
            assert!((m.copies / expected - 1.0).abs() < 1e-12 * k as f64, "{k}: {} {expected}", m.copies);
        }
        // A million spins: a tenth of a second, and no multiplet of a smaller J.
        assert_eq!(Multiplet::all(1_000_000, 1).first(), Some(&Multiplet { twice_j: 1_000_000, copies: 1.0 }));
    }

    #[test]
    fn a_collective_counts_through_its_multiplets() {
        let site = Site::collective("c", 3, 1, Multiplet::all(3, 1), None);
        assert_eq!(site.dimension, 6);
        assert_eq!((0..6).map(|k| site.twice_m(k)).collect::<Vec<_>>(), [3, 1, -1, -3, 1, -1]);
        assert_eq!((0..6).map(|k| site.copies(k)).collect::<Vec<_>>(), [1.0, 1.0, 1.0, 1.0, 2.0, 2.0]);
    }
}
