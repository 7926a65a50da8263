//! A decoupling sequence that runs.

use crate::hamiltonian::drive::Drive;
use crate::hamiltonian::schedule::Control;
use crate::source::Place;
use crate::spin::Operator;
use crate::waveform::Scalar;
use std::sync::Arc;

/// A decoupling sequence that runs.
pub(super) struct Running {
    /// Its nucleus.
    pub nucleus: Arc<str>,
    /// Its field along x and y as functions of the time since its start, rad/s.
    pub strengths: (Scalar, Scalar),
    /// Fx and Fy of its spins.
    pub field: (Arc<Operator>, Arc<Operator>),
    /// The same as a drive, with the amplitude and phase of its transmitter.
    pub drive: Drive,
    /// Its start on the clock.
    pub start: f64,
    /// Place of its statement in the source.
    pub place: Place,
}

impl Running {
    /// Its field from a time on the clock on.
    pub fn control(&self, time: f64) -> Control {
        let delayed = |strength: &Scalar| strength.delayed(self.start - time);
        let terms =
            [(delayed(&self.strengths.0), self.field.0.clone()), (delayed(&self.strengths.1), self.field.1.clone())];
        let terms = terms.into_iter().filter(|(strength, _)| strength.constant() != Some(0.0)).collect();
        Control { terms, shape: None, decoupled: Some(self.nucleus.clone()) }
    }
}
