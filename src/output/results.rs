//! What all formats show: the results of an experiment and their units.

use crate::emulator::{Run, quantity_of, unit_of};
use crate::ir::Experiment;

/// What all formats show: an experiment, where it came from, and the results at its points.
pub struct Results<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The file's name as the user gave it.
    pub file: &'a str,
    /// The names of the swept parameters.
    pub swept: Vec<String>,
    /// The results, in row-major order of the sweeps.
    pub points: &'a [Run],
    /// How energies are reported.
    pub energy: EnergyUnit,
}

/// How energies are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EnergyUnit {
    /// Joule in lab files, plain in natural ones.
    #[default]
    Default,
    /// Energies divided by h, in hertz; powers in hertz per second.
    Hertz,
}

impl Results<'_> {
    /// The unit of a measured quantity, by its key; empty for plain numbers and for what is computed from several.
    pub fn unit(&self, key: &str) -> &'static str {
        let Some(measure) = self.experiment.measures.iter().find(|m| m.key == key) else { return "" };
        let Some(quantity) = quantity_of(&measure.value) else { return "" };
        match (unit_of(quantity, self.experiment.units), self.energy) {
            ("J", EnergyUnit::Hertz) => "Hz",
            ("W", EnergyUnit::Hertz) => "Hz/s",
            (unit, _) => unit,
        }
    }

    /// A value in the unit of its key.
    pub fn value(&self, key: &str, value: Option<f64>) -> Option<f64> {
        value.map(|x| x / self.divisor(key))
    }

    /// What values of a key are divided by to be in its unit.
    pub fn divisor(&self, key: &str) -> f64 {
        match self.unit(key) {
            "Hz" | "Hz/s" if self.energy == EnergyUnit::Hertz => crate::units::PLANCK,
            _ => 1.0,
        }
    }

    /// The unit of a parameter.
    pub fn param_unit(&self, name: &str) -> String {
        match self.experiment.scope().names.get(name) {
            Some(crate::ir::Meaning::Param(d)) => d.si_unit(),
            _ => String::new(),
        }
    }

    /// The unit of times.
    pub fn time_unit(&self) -> &'static str {
        unit_of(crate::metrics::Quantity::Time, self.experiment.units)
    }
}
