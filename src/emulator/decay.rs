//! The form in which the free induction decay of one member of an ensemble is found.

use super::lines::Line;
use super::sidebands::Sidebands;
use crate::linalg::C64;

/// The FID of one member: spectral lines if available, so that those of many members are evaluated together.
pub enum Decay {
    /// Angular frequencies and amplitudes.
    Lines(Vec<Line>),
    /// Sampled points.
    Points(Vec<C64>),
    /// Lines of a periodic Hamiltonian, with amplitudes point by point of a block of whole periods.
    Sidebands(Sidebands),
}
