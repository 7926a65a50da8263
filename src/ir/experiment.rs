//! The experiment: everything declared in a file.

use super::compiled::Compiled;
use super::ensemble::{Distribution, Spread};
use super::event::{Event, EventKind};
use super::measure::Measure;
use super::noise::Noise;
use super::shape::ShapeTable;
use super::state::State;
use super::system::{Channel, Spectrometer, System};
use crate::source::Place;
use crate::syntax::Expr;
use crate::syntax::ast::SweepValues;
use crate::units::UnitSystem;
use serde::{Deserialize, Serialize};

/// An experiment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// Version of the language.
    pub ergoseq: u32,
    /// Title, for results.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Unit system of all numbers.
    pub units: UnitSystem,
    /// Parameters, in dependency order.
    #[serde(default)]
    pub params: Vec<Param>,
    /// Lists of parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<List>,
    /// The spin system.
    pub system: System,
    /// Named Hamiltonians and other operators, in dependency order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hamiltonians: Vec<NamedOperator>,
    /// Named states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<NamedState>,
    /// Noise models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noises: Vec<Noise>,
    /// Transmitter channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Spectrometers: resolution and limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spectrometers: Vec<Spectrometer>,
    /// The battery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    /// Phase cycles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Cycle>,
    /// Pulse shapes from files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<ShapeTable>,
    /// Distributions averaged over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ensemble: Vec<Distribution>,
    /// The sequence of events.
    pub sequence: Vec<Event>,
    /// What is known of the pulses that stand in the place of `compile` statements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compiled: Vec<Compiled>,
    /// Requested results.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// Sweeps; those of one entry are varied together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<Vec<Sweep>>,
    /// Expected values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
    /// Expected curves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theories: Vec<Theory>,
}

/// A named state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedState {
    /// Name.
    pub name: String,
    /// The state.
    pub state: State,
    /// Position of the declaration.
    #[serde(skip)]
    pub place: Place,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Name.
    pub name: String,
    /// Default value.
    pub default: Expr,
    /// Allowed range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(Expr, Expr)>,
    /// Position of the declaration.
    #[serde(skip)]
    pub place: Place,
}

/// A list of parameters, indexed from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Name.
    pub name: String,
    /// Its values.
    pub values: ListValues,
    /// Position of the declaration.
    #[serde(skip)]
    pub place: Place,
}

/// Values of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ListValues {
    /// Written one by one.
    Written(Vec<Expr>),
    /// Drawn from a distribution.
    Random {
        /// Their number.
        size: Expr,
        /// The distribution.
        spread: Spread,
        /// Its settings, with the seed.
        settings: Vec<(String, Expr)>,
    },
}

impl ListValues {
    /// An expression with the dimension of the values.
    pub fn first(&self) -> Option<&Expr> {
        match self {
            ListValues::Written(values) => values.first(),
            ListValues::Random { settings, .. } => settings.iter().find(|(name, _)| name != "seed").map(|(_, e)| e),
        }
    }
}

/// What a named operator may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OperatorKind {
    /// A Hamiltonian: Hermitian, with the dimension of a frequency or an energy.
    #[default]
    Hamiltonian,
    /// Any operator, of any dimension.
    Any,
}

impl OperatorKind {
    /// True for a Hamiltonian.
    pub fn is_hamiltonian(&self) -> bool {
        *self == OperatorKind::Hamiltonian
    }
}

/// A named operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedOperator {
    /// Name.
    pub name: String,
    /// What it may be.
    #[serde(default, skip_serializing_if = "OperatorKind::is_hamiltonian")]
    pub kind: OperatorKind,
    /// The operator.
    pub value: Expr,
}

/// The battery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// Its Hamiltonian.
    pub energy: Expr,
    /// Its subsystems: names or array elements; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Expr>,
    /// Position of the declaration.
    #[serde(skip)]
    pub place: Place,
}

/// A phase cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Name.
    pub name: String,
    /// Phases.
    pub phases: Vec<Expr>,
}

/// Number of scans after which all of these cycles repeat together: the least common multiple of their lengths.
pub fn scans_of<'a>(cycles: impl IntoIterator<Item = &'a Cycle>) -> usize {
    cycles.into_iter().map(|cycle| cycle.phases.len().max(1)).fold(1, least_common_multiple)
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).saturating_mul(b)
}

/// A sweep of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Name of the parameter.
    pub name: String,
    /// Its values.
    pub values: SweepValues,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// An expected value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// A named result or a metric.
    pub value: Expr,
    /// Mark; by default the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Expected value.
    pub expected: Expr,
    /// Tolerance.
    pub within: Expr,
    /// Parameter values; others have their defaults.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Expr)>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// An expected curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theory {
    /// Name of the trace.
    pub trace: String,
    /// Metric.
    pub metric: Expr,
    /// Expected curve, as a function of t.
    pub value: Expr,
    /// Tolerance; by default 1e-9 of the largest value of the curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Expr>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

impl Experiment {
    /// Marks at which results are evaluated: those of the sequence, `tomography` for each tomography, and `end`.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        let named = self.sequence.iter().filter_map(|event| match &event.kind {
            EventKind::Mark { name } => Some(name.as_str()),
            EventKind::Tomography(_) => Some("tomography"),
            _ => None,
        });
        named.chain(["end"])
    }

    /// True if it has a tomography, which stands outside of loops.
    pub fn has_tomography(&self) -> bool {
        self.sequence.iter().any(|event| matches!(event.kind, EventKind::Tomography(_)))
    }

    /// True if some prepared or named state of the collective is not symmetric under exchange of its spins, so that more than the symmetric
    /// multiplet is needed.
    pub fn leaves_symmetric(&self, name: &str) -> bool {
        fn named(expr: &crate::syntax::Expr, name: &str) -> bool {
            let mut found = false;
            expr.walk(&mut |x| found |= matches!(&x.kind, crate::syntax::ExprKind::Name(n) if n == name));
            found
        }
        fn places(states: &[State], name: &str) -> bool {
            states.iter().any(|s| match s {
                State::Up { site } | State::Down { site } | State::Dicke { site, .. } => named(site, name),
                State::Mix(parts) => parts.iter().any(|(_, s)| places(std::slice::from_ref(s), name)),
                State::Superposition(parts) => parts.iter().any(|p| places(std::slice::from_ref(&p.state), name)),
                _ => false,
            })
        }
        fn leaves(states: &[State], name: &str) -> bool {
            states.iter().any(|s| match s {
                State::Definite { site, .. } => named(site, name),
                State::Thermal { sites: Some(sites) } | State::Mixed { sites: Some(sites) } => named(sites, name),
                State::Thermal { sites: None }
                | State::Mixed { sites: None }
                | State::Gibbs { .. }
                | State::HighTemperature { .. } => !places(states, name),
                State::Mix(parts) => parts.iter().any(|(_, s)| leaves(std::slice::from_ref(s), name)),
                State::Superposition(parts) => parts.iter().any(|p| leaves(std::slice::from_ref(&p.state), name)),
                _ => false,
            })
        }
        let of = |s: &NamedState| leaves(std::slice::from_ref(&s.state), name);
        self.sequence.iter().any(|e| matches!(&e.kind, EventKind::Prepare(states) if leaves(states, name)))
            || self.states.iter().any(of)
    }

    /// Looks up a list of parameters by name.
    pub fn list(&self, name: &str) -> Option<&List> {
        self.lists.iter().find(|l| l.name == name)
    }

    /// Looks up a parameter by name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| p.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::least_common_multiple;

    #[test]
    fn scans_meet_where_all_cycles_do() {
        assert_eq!([4, 8, 2].into_iter().fold(1, least_common_multiple), 8);
        assert_eq!([3, 4].into_iter().fold(1, least_common_multiple), 12);
    }
}
