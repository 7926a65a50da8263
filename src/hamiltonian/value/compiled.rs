//! Parameters on which the pulses of `compile` statements depend keep their values.

use super::{Evaluator, Fault, Values};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Experiment;

impl Evaluator<'_> {
    /// Rejects values of parameters other than those for which pulses were found.
    ///
    /// # Errors
    /// If there is one.
    pub(super) fn are_as_compiled(experiment: &Experiment, given: &Values) -> Result<(), Fault> {
        for compiled in &experiment.compiled {
            for (name, nominal) in &compiled.parameters {
                let Some(value) = given.get(name).filter(|x| (*x - nominal).abs() > 1e-12 * nominal.abs()) else {
                    continue;
                };
                let message = format!(
                    "`{name}` = {value} here, but the pulses of `compile` were found for {nominal}, and it needs others for other values"
                );
                return Err(Diagnostic::new(Code::Contradiction, compiled.place.span(), message)
                    .label(format!("depends on `{name}`"))
                    .help(format!("change the value of `{name}` in the file; couplings and errors on which it does not depend may vary"))
                    .into());
            }
        }
        Ok(())
    }
}
