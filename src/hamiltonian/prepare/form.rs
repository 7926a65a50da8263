//! Representations of the parts of a prepared state.

use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::linalg::{C64, Matrix, ONE, ZERO, real};
use crate::source::Span;
use crate::spin::{Columns, Operator};

/// Largest dimension of the density matrix of a single part.
pub(super) const LARGEST_PART: usize = 4096;

/// Up to this dimension, a state near the maximally mixed state is stored as a matrix.
pub(super) const SMALL: usize = 64;

/// Maximum number of states of a diagonal part.
pub(super) const LARGEST_DIAGONAL: f64 = 1e8;

/// Representation of a part.
pub(super) enum Form {
    /// Nonzero amplitudes by local state.
    Pure(Vec<(usize, C64)>),
    /// Populations without coherences.
    Diagonal(Vec<f64>),
    /// A density matrix.
    Mixed(Matrix),
    /// `1/N + A/N` on all sites, too large for a matrix.
    Near(Operator),
}

/// A state of some sites, in ascending order.
pub(super) struct Partial {
    pub(super) sites: Vec<usize>,
    pub(super) form: Form,
    /// Collectives in it that are averaged over permutations of their spins.
    pub(super) averaged: Vec<usize>,
}

impl Partial {
    /// A state without averaged collectives.
    pub(super) fn new(sites: Vec<usize>, form: Form) -> Partial {
        Partial { sites, form, averaged: vec![] }
    }
}

impl Form {
    /// The matrix element between two local states.
    #[expect(clippy::indexing_slicing, reason = "a form has an element for every local state")]
    pub(super) fn element(&self, i: usize, j: usize) -> C64 {
        match self {
            Form::Diagonal(p) if i == j => real(p[i]),
            Form::Diagonal(_) => ZERO,
            Form::Mixed(rho) => rho[(i, j)],
            Form::Near(a) => {
                let n = a.dimension();
                let mut sum = if i == j { ONE } else { ZERO };
                Columns::of(a).visit(j, &mut vec![], |row, v| {
                    if row == i {
                        sum += v;
                    }
                });
                sum / n as f64
            }
            Form::Pure(amplitudes) => {
                let at = |k: usize| amplitudes.iter().find(|(s, _)| *s == k).map_or(ZERO, |(_, a)| *a);
                at(i) * at(j).conj()
            }
        }
    }

    /// The occupied local states.
    pub(super) fn support(&self) -> Vec<usize> {
        match self {
            Form::Pure(amplitudes) => amplitudes.iter().map(|(s, _)| *s).collect(),
            Form::Diagonal(p) => p.iter().enumerate().filter(|(_, x)| **x != 0.0).map(|(k, _)| k).collect(),
            Form::Mixed(rho) => (0..rho.nrows()).filter(|&k| rho[(k, k)] != ZERO).collect(),
            Form::Near(a) => (0..a.dimension()).collect(),
        }
    }
}

/// The error for a mixed state that is too large.
pub(super) fn too_large(size: f64, span: Span) -> Fault {
    Diagnostic::new(
        Code::TooLarge,
        span,
        format!("a mixed state of {} states is too large", crate::syntax::number_text(size)),
    )
    .label("prepared here")
    .help("a pure state (`prepare ket`) under unitary evolution needs only a vector")
    .into()
}
