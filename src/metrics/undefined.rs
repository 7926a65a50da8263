//! Result type of a metric, and the reasons for an undefined value: of the metric, and of the propagator up to a moment.

use crate::linalg::LinalgError;
use std::fmt;

/// Reason why a metric is undefined for a state.
#[derive(Debug, Clone, PartialEq)]
pub enum Undefined {
    /// The metric does not apply; the sentence says why.
    Domain(String),
    /// A matrix operation failed.
    Linalg(LinalgError),
}

impl From<LinalgError> for Undefined {
    fn from(e: LinalgError) -> Undefined {
        Undefined::Linalg(e)
    }
}

impl fmt::Display for Undefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undefined::Domain(why) => f.write_str(why),
            Undefined::Linalg(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Undefined {}

/// Value of a metric, or the reason why it is undefined.
pub type Value = Result<f64, Undefined>;

/// Why there is no propagator from `prepare` to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPropagator {
    /// It was not followed.
    NotFollowed,
    /// A step since `prepare` is not unitary.
    NotUnitary,
    /// A projective measurement with feedback since `prepare`.
    Measured,
    /// Feedback of a mean since `prepare`.
    Feedback,
    /// Several records since `prepare`, or some inside of branches.
    SeveralRecords,
    /// Eigenvalues of the battery's Hamiltonian could not be computed.
    NoEigenvalues,
    /// The members of an ensemble have different propagators.
    Members,
    /// The system has more states than [`LARGEST_PROPAGATOR`].
    TooLarge,
    /// A truncated mode: its highest states evolve wrongly.
    Truncated,
    /// Multiplets of a collective are stored once for all their copies.
    Copies,
    /// The state was reconstructed by a tomography.
    Reconstructed,
}

/// Largest dimension of the system at which its propagator is followed.
pub const LARGEST_PROPAGATOR: usize = 128;

/// Why the heat from `prepare` to a moment is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHeat {
    /// It was not followed.
    NotFollowed,
    /// The state was reconstructed by a tomography.
    Reconstructed,
}

impl fmt::Display for NoHeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoHeat::NotFollowed => "the heat from `prepare` to this moment is not computed here",
            NoHeat::Reconstructed => "a tomography finds the state, not the heat that was exchanged before",
        })
    }
}

impl fmt::Display for NoPropagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            NoPropagator::NotFollowed => "the propagator from `prepare` to this moment is not computed here",
            NoPropagator::NotUnitary => {
                "it needs unitary evolution from `prepare` on, and relaxation, noise, `crush`, `dephase`, `reset` or a `project` in a loop stands before this moment"
            }
            NoPropagator::Measured => {
                "it needs unitary evolution from `prepare` on, and a `project` stands before this moment"
            }
            NoPropagator::Feedback => "the evolution depends on the state, by a `read` before this moment",
            NoPropagator::SeveralRecords => {
                "information is computed for a single `project` with branches, outside of other branches"
            }
            NoPropagator::NoEigenvalues => "the levels of the battery could not be computed",
            NoPropagator::Members => {
                "the members of the ensemble have different propagators; `member_mean` averages what each of them has"
            }
            NoPropagator::TooLarge => {
                return write!(f, "it is computed for systems of up to {LARGEST_PROPAGATOR} states");
            }
            NoPropagator::Truncated => {
                "the system has a mode, whose highest Fock states evolve wrongly under any cutoff"
            }
            NoPropagator::Copies => "a collective outside of its symmetric multiplet has more states than are kept",
            NoPropagator::Reconstructed => "a tomography finds the state, not the evolution that led to it",
        };
        f.write_str(why)
    }
}
