//! Reproduction of published figures and claims.
//!
//! Each paper is a file or folder here and some `.seq` files in `sequences/papers/`: the sequences are emulated, the figures drawn from
//! what comes out, and each claim of the paper is a small predicate over the same numbers. No verdict is stored.

pub mod claim;
mod dipolar;
mod heisenberg;
mod paper;
mod spin_charger;
mod workbench;

pub use paper::{Paper, report};
pub use workbench::{Watch, Workbench};

/// Every paper.
pub const PAPERS: &[Paper] = &[dipolar::PAPER, spin_charger::PAPER, heisenberg::PAPER];

impl Paper {
    /// The paper of this name.
    pub fn named(name: &str) -> Option<&'static Paper> {
        PAPERS.iter().find(|p| p.name == name)
    }
}
