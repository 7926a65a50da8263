//! What a metric is: its name, arguments, formula and value.

use super::batch::InLanes;
use super::bohr_frequencies::{BohrExpansion, Curve};
use super::cells::Argument;
use super::derivative::Derivative;
use super::moment::{Moment, Scene};
use super::undefined::{Undefined, Value};

/// What kind of quantity a metric is: it decides the unit in which it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// A plain number.
    Number,
    /// An energy: joule in lab files.
    Energy,
    /// An energy per time: watt in lab files.
    Power,
    /// A time.
    Time,
    /// A temperature.
    Temperature,
    /// Per time squared.
    RateSquared,
    /// An angle in radian.
    Angle,
    /// Bits.
    Bits,
}

/// What an argument of a metric is.
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
    /// An operator, which may be left out: the battery's Hamiltonian then.
    OptionalOperator,
    /// The word `energy`, which may be left out.
    OptionalEnergyBasis,
    /// A whole number.
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

/// A row of the table of metrics.
pub struct Metric {
    /// The word of the language.
    pub name: &'static str,
    /// Its arguments.
    pub parameters: &'static [Parameter],
    /// What it is.
    pub quantity: Quantity,
    /// Its formula, in plain text.
    pub formula: &'static str,
    /// Where the formula comes from.
    pub source: &'static str,
    /// Whether it needs a battery.
    pub battery: bool,
    /// Its value at a moment, energies in rad/s.
    pub evaluate: fn(&Moment, &[Argument]) -> Value,
    /// Whether it is also defined of what a filter of coherence orders leaves, whose trace is 0 and which is no state.
    pub filtered: bool,
    /// Whether it is of the Hamiltonian that acts, beyond the state and its rate of change.
    pub of_hamiltonian: bool,
    /// Without arguments, its curve along the course of a state under a constant Hamiltonian, where that is cheaper than the states;
    /// `None` where it is not to be had.
    pub along: Option<Along>,
    /// The same in a batch of states.
    pub lanes: Option<InLanes>,
    /// Its derivative with respect to the state.
    pub derivative: Option<Derivative>,
}

/// The curve of a metric along a course.
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
    let (filtered, of_hamiltonian, along, lanes, derivative) = (false, false, None, None, None);
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
        along,
        lanes,
        derivative,
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

    pub(super) const fn of_hamiltonian(self) -> Metric {
        Metric { of_hamiltonian: true, ..self }
    }

    pub(super) const fn of_filtered(self) -> Metric {
        Metric { filtered: true, ..self }
    }

    /// Its value at a moment, energies in rad/s.
    ///
    /// # Errors
    /// When it is not defined there.
    pub fn value(&self, moment: &Moment, arguments: &[Argument]) -> Value {
        if !self.filtered && !moment.is_state() {
            return Err(Undefined::Domain(
                "`crush keep` without order 0 has left the pathway of a signal, whose trace is 0 and which is no state"
                    .into(),
            ));
        }
        (self.evaluate)(moment, arguments)
    }
}
