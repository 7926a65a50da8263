//! A sequence of the members of an ensemble, as kernels take it.

use crate::linalg::C64;

/// An element of an operator: row, column, value.
pub type Entry = (usize, usize, C64);

/// A term of a Hamiltonian of a member: the row of its coefficients, rad/s, and its operator.
pub type Term = (usize, Vec<Entry>);

/// A step of a sequence before its acquisition.
#[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "only kernels read it"))]
pub enum Block {
    /// `rho -> U rho U+`, the same for all members; row by row.
    Unitary(Vec<C64>),
    /// Evolution under a constant Hamiltonian for a time, s.
    Evolve(Vec<Term>, f64),
}

/// The acquisition that ends a sequence.
#[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "only kernels read it"))]
pub struct Acquisition {
    /// The Hamiltonian.
    pub hamiltonian: Vec<Term>,
    /// The observed operator F+.
    pub raising: Vec<Entry>,
    /// Number of points.
    pub points: usize,
    /// Time between two points, s.
    pub dwell: f64,
}
