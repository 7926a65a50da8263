//! A paper: where it appeared, how its figures are computed, and what is said of it.

use super::claim::{Claim, Verdict, table, wrapped};
use super::workbench::Workbench;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::Figure;

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
    /// Computes a figure.
    pub(super) reproduce: fn(&Workbench, u32) -> Result<Reproduced, Fault>,
    /// Checks the claims that belong to no figure.
    pub(super) equations: fn(&Workbench) -> Result<Vec<Claim>, Fault>,
}

/// A figure, and what the paper says of it.
pub struct Reproduced {
    /// The data.
    pub figure: Figure,
    /// The claims.
    pub claims: Vec<Claim>,
}

/// The letter of panel `k` of a figure.
pub(super) fn letter(k: usize) -> char {
    char::from(b'a' + k as u8)
}

impl Paper {
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

/// All that is said of a paper: its title, what had to be chosen, the table, and how many claims hold.
pub fn report(paper: &Paper, claims: &[Claim]) -> String {
    let mut out = format!("{}\n{}\n\n", paper.title, paper.source);
    for remark in paper.remarks {
        for (k, line) in wrapped(remark, 76).into_iter().enumerate() {
            out += &format!("{} {line}\n", if k == 0 { "*" } else { " " });
        }
    }
    let held = claims.iter().filter(|c| c.verdict != Verdict::Fails).count();
    out + "\n" + &table(claims) + &format!("\n{held} of {} claims hold\n", claims.len())
}
