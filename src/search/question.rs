//! One number of an experiment, as a function of its parameters.

use crate::emulator::{Emulator, Options, Request};
use crate::hamiltonian::{Fault, Values};

/// An experiment of which one number is asked.
pub(super) struct Question<'a> {
    pub(super) emulator: &'a Emulator<'a>,
    pub(super) given: &'a Values,
    pub(super) options: &'a Options,
    pub(super) request: [Request; 1],
}

impl Question<'_> {
    /// The number at some values of parameters; none where it is not defined.
    pub(super) fn answer(&self, values: impl Iterator<Item = (String, f64)>) -> Result<Option<f64>, Fault> {
        let mut all = self.given.clone();
        all.extend(values);
        let found = self.emulator.run(&all, self.options, &self.request)?;
        Ok(found.values.first().copied().flatten().filter(|x| x.is_finite()))
    }
}
