//! The experiment as a whole: all that a file declares.

use super::ensemble::Distribution;
use super::event::{Event, EventKind, State};
use super::measure::Measure;
use super::shape::ShapeTable;
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
    /// The version of the language.
    pub ergoseq: u32,
    /// For results.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Of all numbers.
    pub units: UnitSystem,
    /// In an order in which each needs only those before it.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What is in the magnet.
    pub system: System,
    /// In an order in which each needs only those before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hamiltonians: Vec<NamedOperator>,
    /// Sets of collapse operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noises: Vec<Noise>,
    /// Transmitters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Steps and limits of spectrometers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spectrometers: Vec<Spectrometer>,
    /// Where the energy is stored.
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
    /// What is done.
    pub sequence: Vec<Event>,
    /// What is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
    /// What is varied; the sweeps of one entry run together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sweeps: Vec<Vec<Sweep>>,
    /// Values that theory gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<Expect>,
    /// Curves that theory gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub theories: Vec<Theory>,
}

/// A parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: Expr,
    /// The range it must lie in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<(Expr, Expr)>,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Place,
}

/// A Hamiltonian with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedOperator {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: Expr,
}

/// A set of collapse operators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Its name.
    pub name: String,
    /// Operators of dimension 1/sqrt(time).
    pub collapse: Vec<Expr>,
}

/// The battery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Battery {
    /// Its Hamiltonian.
    pub energy: Expr,
    /// Its subsystems: names, or members of arrays; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Expr>,
    /// Where it is declared.
    #[serde(skip)]
    pub place: Place,
}

/// A phase cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Its name.
    pub name: String,
    /// Its phases.
    pub phases: Vec<Expr>,
}

/// A sweep of one parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Which parameter.
    pub name: String,
    /// Over what.
    pub values: SweepValues,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// An expected value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// A named result, or a metric.
    pub value: Expr,
    /// At which mark; the end when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Which value.
    pub expected: Expr,
    /// How near.
    pub within: Expr,
    /// Parameters and their values; the others have their defaults.
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<(String, Expr)>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// An expected curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theory {
    /// Which trace.
    pub trace: String,
    /// Which metric.
    pub metric: Expr,
    /// The curve, in t.
    pub value: Expr,
    /// How near; 1e-9 of the curve's largest value when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Expr>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl Experiment {
    /// The marks at which results have values: those of the sequence, `tomography` where the state is read out, and `end`.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        let named = self.sequence.iter().filter_map(|event| match &event.kind {
            EventKind::Mark { name } => Some(name.as_str()),
            EventKind::Tomography(_) => Some("tomography"),
            _ => None,
        });
        named.chain(["end"])
    }

    /// Whether some prepared state of the collective of this name is not the same under every exchange of its spins, so that
    /// more than its symmetric multiplet is needed.
    pub fn leaves_symmetric(&self, name: &str) -> bool {
        fn named(expr: &crate::syntax::Expr, name: &str) -> bool {
            let mut found = false;
            expr.walk(&mut |x| found |= matches!(&x.kind, crate::syntax::ExprKind::Name(n) if n == name));
            found
        }
        fn places(states: &[State], name: &str) -> bool {
            states.iter().any(|s| match s {
                State::Up { site } | State::Down { site } | State::Dicke { site, .. } => named(site, name),
                State::Superposition(parts) | State::Mix(parts) => {
                    parts.iter().any(|(_, s)| places(std::slice::from_ref(s), name))
                }
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
                State::Mix(parts) | State::Superposition(parts) => {
                    parts.iter().any(|(_, s)| leaves(std::slice::from_ref(s), name))
                }
                _ => false,
            })
        }
        self.sequence.iter().any(|e| matches!(&e.kind, EventKind::Prepare(states) if leaves(states, name)))
    }

    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|p| p.name == name)
    }
}
