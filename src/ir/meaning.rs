//! Meanings of names, and types of expressions.

use crate::units::Dimension;

/// Meaning of a name.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// A parameter of this dimension.
    Param(Dimension),
    /// A list of parameters of this dimension.
    List(Dimension),
    /// The counter of a loop, inside its body.
    Counter,
    /// The mean of an observable of this dimension, read earlier in the sequence.
    Reading(Dimension),
    /// A named Hamiltonian or other operator of this dimension.
    Operator(Dimension),
    /// A named part of the system's Hamiltonian.
    Part,
    /// A single subsystem.
    Site(SiteClass),
    /// An array of spins.
    Array,
    /// A named state.
    State,
    /// A noise model.
    Noise,
    /// A phase cycle.
    Cycle,
    /// A pulse shape from a file.
    Shape,
    /// A subsequence.
    Define,
}

/// Kind of a subsystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteClass {
    /// A spin.
    Spin,
    /// A collective.
    Collective,
    /// A mode.
    Mode,
}

impl Meaning {
    /// Description, for messages.
    pub fn describe(&self) -> &'static str {
        match self {
            Meaning::Param(_) => "a parameter",
            Meaning::List(_) => "a list of parameters",
            Meaning::Counter => "the counter of a loop",
            Meaning::Reading(_) => "a reading",
            Meaning::Operator(_) => "an operator",
            Meaning::Part => "a part of the system Hamiltonian",
            Meaning::Site(SiteClass::Spin) => "a spin",
            Meaning::Site(SiteClass::Collective) => "a collective",
            Meaning::Site(SiteClass::Mode) => "a mode",
            Meaning::Array => "an array of spins",
            Meaning::State => "a state",
            Meaning::Noise => "a noise",
            Meaning::Cycle => "a phase cycle",
            Meaning::Shape => "a pulse shape",
            Meaning::Define => "a subsequence",
        }
    }
}

/// Type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A real number.
    Number(Dimension),
    /// An operator.
    Operator(Dimension),
    /// Several numbers of equal dimension.
    Vector(Dimension),
}

impl Type {
    /// Its dimension.
    pub fn dimension(self) -> Dimension {
        match self {
            Type::Number(d) | Type::Operator(d) | Type::Vector(d) => d,
        }
    }

    pub(super) fn with(self, dimension: Dimension) -> Type {
        match self {
            Type::Number(_) => Type::Number(dimension),
            Type::Operator(_) => Type::Operator(dimension),
            Type::Vector(_) => Type::Vector(dimension),
        }
    }

    /// Description, for messages.
    pub fn describe(self) -> String {
        match self {
            Type::Number(d) => d.to_string(),
            Type::Operator(d) if d == Dimension::NUMBER => "a dimensionless operator".into(),
            Type::Operator(d) => format!("an operator times {d}"),
            Type::Vector(d) => format!("several values, each {d}"),
        }
    }
}
