//! Definition of a metric: name, arguments, formula and evaluation.

use super::batch::InLanes;
use super::bohr_frequencies::BohrExpansion;
use super::cells::Argument;
use super::curve::Curve;
use super::derivative::Derivative;
use super::moment::{Moment, Scene};
use super::undefined::{Undefined, Value};
use crate::units::Dimension;

/// Physical quantity of a metric; it determines the reported unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A dimensionless number.
    Number,
    /// Energy: joule in lab files.
    Energy,
    /// Energy squared: joule squared in lab files.
    EnergySquared,
    /// Power: watt in lab files.
    Power,
    /// Time.
    Time,
    /// Temperature.
    Temperature,
    /// Rate squared, 1/time^2.
    RateSquared,
    /// Angle in radian.
    Angle,
    /// Bits.
    Bits,
}

impl Quantity {
    /// All quantities.
    const ALL: [Quantity; 9] = [
        Quantity::Number,
        Quantity::Energy,
        Quantity::EnergySquared,
        Quantity::Power,
        Quantity::Time,
        Quantity::Temperature,
        Quantity::RateSquared,
        Quantity::Angle,
        Quantity::Bits,
    ];

    /// Exponents of energy, time, temperature, angle and bits.
    fn exponents(self) -> [i32; 5] {
        match self {
            Quantity::Number => [0; 5],
            Quantity::Energy => [1, 0, 0, 0, 0],
            Quantity::EnergySquared => [2, 0, 0, 0, 0],
            Quantity::Power => [1, -1, 0, 0, 0],
            Quantity::Time => [0, 1, 0, 0, 0],
            Quantity::Temperature => [0, 0, 1, 0, 0],
            Quantity::RateSquared => [0, -2, 0, 0, 0],
            Quantity::Angle => [0, 0, 0, 1, 0],
            Quantity::Bits => [0, 0, 0, 0, 1],
        }
    }

    /// The quantity of a product; factors that are `true` divide. `None` if no quantity has its dimension.
    pub fn product(factors: impl IntoIterator<Item = (Quantity, bool)>) -> Option<Quantity> {
        let sum = factors.into_iter().fold([0; 5], |mut sum, (factor, divides)| {
            let sign = if divides { -1 } else { 1 };
            sum.iter_mut().zip(factor.exponents()).for_each(|(x, own)| *x += sign * own);
            sum
        });
        Self::ALL.into_iter().find(|quantity| quantity.exponents() == sum)
    }

    /// Its dimension in lab files.
    pub fn dimension(self) -> Dimension {
        match self {
            Quantity::Number | Quantity::Bits => Dimension::NUMBER,
            Quantity::Energy => Dimension::ENERGY,
            Quantity::EnergySquared => Dimension::ENERGY.times(Dimension::ENERGY),
            Quantity::Power => Dimension::ENERGY.times(Dimension::FREQUENCY),
            Quantity::Time => Dimension::TIME,
            Quantity::Temperature => Dimension::TEMPERATURE,
            Quantity::RateSquared => Dimension::FREQUENCY.times(Dimension::FREQUENCY),
            Quantity::Angle => Dimension::ANGLE,
        }
    }
}

/// Kind of an argument of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// A subsystem.
    Site,
    /// One or more subsystems.
    Sites,
    /// An operator on the whole system.
    Operator,
    /// A Hamiltonian on the whole system.
    Hamiltonian,
    /// An optional operator; the default is the battery's Hamiltonian.
    OptionalOperator,
    /// The optional keyword `energy`.
    OptionalEnergyBasis,
    /// An optional named state; the default is the prepared state.
    OptionalState,
    /// An integer.
    Whole,
    /// A temperature.
    Temperature,
    /// A nucleus.
    Nucleus,
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// An entry of the table of metrics.
pub struct Metric {
    /// Its keyword in the language.
    pub name: &'static str,
    /// Its arguments.
    pub parameters: &'static [Parameter],
    /// Its physical quantity.
    pub quantity: Quantity,
    /// Its formula, in plain text.
    pub formula: &'static str,
    /// Reference for the formula.
    pub source: &'static str,
    /// True if it needs a battery.
    pub battery: bool,
    /// Evaluates it at a moment, energies in rad/s.
    pub evaluate: fn(&Moment, &[Argument]) -> Value,
    /// True if it is also defined for a coherence-order-filtered density matrix, which has trace 0 and is not a state.
    pub filtered: bool,
    /// True if it depends on the current Hamiltonian beyond the state and its time derivative.
    pub of_hamiltonian: bool,
    /// True if it depends on all levels of an operator that is its argument.
    pub of_levels: bool,
    /// True if it depends on the propagator from `prepare` to the moment.
    pub of_propagator: bool,
    /// True if it depends on the heat from `prepare` to the moment.
    pub of_heat: bool,
    /// Without arguments: its curve along the trajectory of a state under a constant Hamiltonian, if that is cheaper than evaluating
    /// state by state; `None` if there is no such form.
    pub along: Option<Along>,
    /// The same for a batch of states.
    pub lanes: Option<InLanes>,
    /// Its derivative with respect to the density matrix.
    pub derivative: Option<Derivative>,
    /// Its derivative with respect to the propagator U from `prepare` on: W with `d value = Re Tr[W dU]`.
    pub by_propagator: Option<Derivative>,
    /// The largest value that it can have, if that is the same for all systems and states.
    pub most: Option<f64>,
}

/// Returns the curve of a metric along the trajectory of a normalised state on the whole product space, in which every state counts once;
/// `None` if there is no such form for this scene, for example if the battery is a part of the system ([`Scene::whole_battery`]). The samples
/// are then evaluated one by one, with the same values to rounding.
pub type Along = fn(&BohrExpansion, &Scene) -> Option<Curve>;

pub(super) const fn metric(
    name: &'static str,
    parameters: &'static [Parameter],
    quantity: Quantity,
    battery: bool,
    formula: &'static str,
    source: &'static str,
    evaluate: fn(&Moment, &[Argument]) -> Value,
) -> Metric {
    let (filtered, of_hamiltonian, of_levels, of_propagator) = (false, false, false, false);
    let (along, lanes, derivative, by_propagator) = (None, None, None, None);
    Metric {
        name,
        parameters,
        quantity,
        formula,
        source,
        battery,
        evaluate,
        filtered,
        of_hamiltonian,
        of_levels,
        of_propagator,
        of_heat: false,
        along,
        lanes,
        derivative,
        by_propagator,
        most: None,
    }
}

impl Metric {
    pub(super) const fn along(self, along: Along) -> Metric {
        Metric { along: Some(along), ..self }
    }

    pub(super) const fn lanes(self, lanes: InLanes) -> Metric {
        Metric { lanes: Some(lanes), ..self }
    }

    pub(super) const fn derivative(self, derivative: Derivative) -> Metric {
        Metric { derivative: Some(derivative), ..self }
    }

    pub(super) const fn by_propagator(self, derivative: Derivative) -> Metric {
        Metric { by_propagator: Some(derivative), ..self }
    }

    pub(super) const fn at_most(self, most: f64) -> Metric {
        Metric { most: Some(most), ..self }
    }

    pub(super) const fn of_hamiltonian(self) -> Metric {
        Metric { of_hamiltonian: true, ..self }
    }

    pub(super) const fn of_levels(self) -> Metric {
        Metric { of_levels: true, ..self }
    }

    pub(super) const fn of_propagator(self) -> Metric {
        Metric { of_propagator: true, ..self }
    }

    pub(super) const fn of_heat(self) -> Metric {
        Metric { of_heat: true, ..self }
    }

    pub(super) const fn of_filtered(self) -> Metric {
        Metric { filtered: true, ..self }
    }

    /// Value at a moment, energies in rad/s.
    ///
    /// # Errors
    /// When it is undefined at this moment.
    pub fn value(&self, moment: &Moment, arguments: &[Argument]) -> Value {
        if !self.filtered && !moment.is_state() {
            return Err(Undefined::Domain(
                "the result of `crush keep` without order 0 is not a state: its trace is 0".into(),
            ));
        }
        (self.evaluate)(moment, arguments)
    }
}
