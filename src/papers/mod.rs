//! Published figures and claims, computed anew.
//!
//! Each paper is a file here and some `.seq` files in `sequences/papers/`: the sequences are emulated, the figures drawn from
//! what comes out, and each claim of the paper is a small predicate over the same numbers. No verdict is stored.

mod claim;
mod dipolar;
mod heisenberg;
mod spin_charger;
mod workbench;

pub use claim::{Claim, Verdict, report, table};
pub use workbench::{Watch, Workbench};

use crate::hamiltonian::Fault;
use crate::output::Figure;

/// A paper.
pub struct Paper {
    /// The word for it on the command line.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its authors and where it appeared.
    pub source: &'static str,
    /// The numbers of the figures that hold data.
    pub figures: &'static [u32],
    /// What is not in the paper and had to be chosen.
    pub remarks: &'static [&'static str],
    reproduce: fn(&Workbench, u32) -> Result<Reproduced, Fault>,
    equations: fn(&Workbench) -> Result<Vec<Claim>, Fault>,
}

/// A figure, and what the paper says of it.
pub struct Reproduced {
    /// The data.
    pub figure: Figure,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// Every paper.
pub const PAPERS: &[Paper] = &[dipolar::PAPER, spin_charger::PAPER, heisenberg::PAPER];

impl Paper {
    /// The paper of this name.
    pub fn named(name: &str) -> Option<&'static Paper> {
        PAPERS.iter().find(|p| p.name == name)
    }

    /// Computes a figure and judges what is said of it.
    ///
    /// # Errors
    /// When a sequence cannot be run.
    pub fn reproduce(&self, bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
        (self.reproduce)(bench, figure)
    }

    /// Judges what the paper says apart from its figures: equations and definitions.
    ///
    /// # Errors
    /// When a sequence cannot be run.
    pub fn equations(&self, bench: &Workbench) -> Result<Vec<Claim>, Fault> {
        (self.equations)(bench)
    }
}
