//! A result of an experiment as a function of its parameters.

use crate::emulator::{Emulator, Options, Request};
use crate::hamiltonian::{Fault, Values};

/// An experiment and the requested result.
pub(super) struct Question<'a> {
    pub(super) emulator: &'a Emulator<'a>,
    pub(super) given: &'a Values,
    pub(super) options: &'a Options,
    pub(super) request: [Request; 1],
}

impl Question<'_> {
    /// The result for given parameter values; `None` if undefined or not finite.
    pub(super) fn answer(&self, values: impl Iterator<Item = (String, f64)>) -> Result<Option<f64>, Fault> {
        let mut all = self.given.clone();
        all.extend(values);
        let found = self.emulator.run(&all, self.options, &self.request)?;
        Ok(found.values.first().copied().flatten().filter(|x| x.is_finite()))
    }
}
