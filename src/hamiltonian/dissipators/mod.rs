//! Relaxation: a table of dissipators, whose sum acts during delays, pulses and locks. The settings of `relax` are listed in
//! [`crate::ir::RELAX_SETTINGS`].

mod bath;
mod bloch;
mod dipolar_order;
mod entry;
mod noise;
mod quadrupolar;
mod rate;
mod tumbling;

pub use noise::noise;
pub use rate::check_rates;

use super::schedule::Relaxing;
use super::value::{Evaluator, Fault};
use crate::ir::RelaxSetting;

/// A model of relaxation.
struct Dissipator {
    /// The settings of `relax` that it handles; it acts if one of them is given.
    settings: &'static [RelaxSetting],
    /// Adds its contribution to that of the previous dissipators; the second argument is the spin-locked nucleus.
    add: fn(&Evaluator, Option<&str>, &mut Relaxing) -> Result<(), Fault>,
}

/// All dissipators, in the order in which they are added.
const DISSIPATORS: [Dissipator; 4] = [
    Dissipator { settings: bloch::SETTINGS, add: bloch::add },
    Dissipator { settings: tumbling::SETTINGS, add: tumbling::add },
    Dissipator { settings: quadrupolar::SETTINGS, add: quadrupolar::add },
    // After those whose effect on dipolar order it accounts for.
    Dissipator { settings: dipolar_order::SETTINGS, add: dipolar_order::add },
];

/// Total relaxation of all `relax` entries, in 1/sqrt(s) and 1/s; `locked` is the spin-locked nucleus.
///
/// # Errors
/// If a time is not positive, or the times are unphysical together.
pub fn relaxing(e: &Evaluator, locked: Option<&str>) -> Result<Relaxing, Fault> {
    let mut relaxing = Relaxing::default();
    let given = |setting: &RelaxSetting| e.experiment.system.relax.iter().any(|r| r.setting(*setting).is_some());
    for dissipator in DISSIPATORS.iter().filter(|d| d.settings.iter().any(given)) {
        (dissipator.add)(e, locked, &mut relaxing)?;
    }
    Ok(relaxing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::RELAX_SETTINGS;

    #[test]
    fn every_setting_of_relax_is_taken_by_one_dissipator() {
        for (setting, word, ..) in RELAX_SETTINGS {
            let takers = DISSIPATORS.iter().filter(|d| d.settings.contains(setting)).count();
            assert_eq!(takers, 1, "{word}");
        }
    }
}
