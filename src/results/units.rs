//! Units of results: parameters by dimension, measured values by quantity, energies as chosen by the user.

use crate::emulator::unit_of;
use crate::ir::{Experiment, Meaning, quantity_of};
use crate::metrics::Quantity;
use crate::units::{PLANCK, UnitSystem};

/// Unit in which energies are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EnergyUnit {
    /// Joule in lab files, dimensionless in natural units.
    #[default]
    Default,
    /// Energies divided by h, in hertz; powers in hertz per second. In natural units, where h is not defined, same as the default.
    Hertz,
}

/// A unit: its name, and its size in SI or natural units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// `J`, `Hz`, `s`; empty for dimensionless numbers.
    pub name: &'static str,
    /// Divisor that converts a value in SI or natural units to this unit.
    pub size: f64,
}

impl Unit {
    /// For dimensionless numbers, and for expressions that combine several quantities.
    pub const NONE: Unit = Unit { name: "", size: 1.0 };

    /// Unit of a quantity.
    pub fn of(quantity: Quantity, system: UnitSystem, energy: EnergyUnit) -> Unit {
        let in_hertz = energy == EnergyUnit::Hertz && system == UnitSystem::Lab;
        match quantity {
            Quantity::Energy if in_hertz => Unit { name: "Hz", size: PLANCK },
            Quantity::EnergySquared if in_hertz => Unit { name: "Hz^2", size: PLANCK * PLANCK },
            Quantity::Power if in_hertz => Unit { name: "Hz/s", size: PLANCK },
            _ => Unit { name: unit_of(quantity, system), size: 1.0 },
        }
    }

    /// Converts a value from SI or natural units.
    pub fn convert(self, x: f64) -> f64 {
        x / self.size
    }
}

/// Units of an experiment.
pub struct Units<'a> {
    experiment: &'a Experiment,
    energy: EnergyUnit,
}

impl<'a> Units<'a> {
    /// With the chosen unit of energies.
    pub fn new(experiment: &'a Experiment, energy: EnergyUnit) -> Units<'a> {
        Units { experiment, energy }
    }

    /// Names and units of the parameters, as declared.
    pub fn parameters(&self) -> Vec<(&'a str, String)> {
        let scope = self.experiment.scope();
        let unit = |name: &String| match scope.names.get(name) {
            Some(Meaning::Param(dimension)) => dimension.si_unit(),
            _ => String::new(),
        };
        self.experiment.params.iter().map(|p| (p.name.as_str(), unit(&p.name))).collect()
    }

    /// Unit of a parameter; empty for dimensionless numbers.
    pub fn parameter(&self, name: &str) -> String {
        self.parameters().into_iter().find(|(known, _)| *known == name).map_or(String::new(), |(_, unit)| unit)
    }

    /// Quantity and unit of a key of `measure`; none if it combines several quantities or is not in `measure`.
    pub fn measured(&self, key: &str) -> (Option<Quantity>, Unit) {
        let measure = self.experiment.measures.iter().find(|m| m.key == key);
        let quantity = measure.and_then(|m| quantity_of(&m.value));
        (quantity, quantity.map_or(Unit::NONE, |q| self.of(q)))
    }

    /// Unit of a quantity.
    pub fn of(&self, quantity: Quantity) -> Unit {
        Unit::of(quantity, self.experiment.units, self.energy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn energies_and_nothing_else_are_divided_by_h() {
        let hertz = |q| Unit::of(q, UnitSystem::Lab, EnergyUnit::Hertz);
        assert_eq!(hertz(Quantity::Energy), Unit { name: "Hz", size: PLANCK });
        assert_eq!(hertz(Quantity::Power), Unit { name: "Hz/s", size: PLANCK });
        assert_eq!(hertz(Quantity::EnergySquared), Unit { name: "Hz^2", size: PLANCK * PLANCK });
        for (quantity, name) in [
            (Quantity::Time, "s"),
            (Quantity::Temperature, "K"),
            (Quantity::Number, ""),
            (Quantity::RateSquared, "1/s^2"),
            (Quantity::Angle, "rad"),
            (Quantity::Bits, "bit"),
        ] {
            assert_eq!(hertz(quantity), Unit { name, size: 1.0 });
        }
        assert_eq!(Unit::of(Quantity::Energy, UnitSystem::Lab, EnergyUnit::Default), Unit { name: "J", size: 1.0 });
        assert_eq!(Unit::of(Quantity::Energy, UnitSystem::Natural, EnergyUnit::Hertz), Unit::NONE);
        assert_eq!(hertz(Quantity::Energy).convert(PLANCK), 1.0);
    }
}
