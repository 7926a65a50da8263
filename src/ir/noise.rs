//! Noise models: collapse operators and thermal baths.

use super::system::Each;
use crate::source::Place;
use crate::syntax::Expr;
use crate::units::Dimension;
use serde::{Deserialize, Serialize};

/// A noise model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// Name.
    pub name: String,
    /// Collapse operators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collapse: Vec<Collapse>,
    /// Thermal baths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub baths: Vec<Bath>,
}

/// A collapse operator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collapse {
    /// The operator; of dimension 1/sqrt(time) if it has no rate of its own.
    pub operator: Expr,
    /// Its rate, which may depend on the time since the start of the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Expr>,
    /// Range of the index variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
}

/// Independent thermal baths, one for each of some spins or modes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bath {
    /// The spins or modes; the name of an array stands for all its elements.
    pub sites: Vec<Expr>,
    /// Its strength: a [`BathSetting::Rate`] or a [`BathSetting::Emission`], which may depend on the time since the start of the statement.
    pub strength: (BathSetting, Expr),
    /// Its temperature; by default that of the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Expr>,
    /// The Hamiltonian whose terms on the spin or mode alone give the levels; by default the Zeeman energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Expr>,
    /// Range of the index variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Each>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// Settings of `bath`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BathSetting {
    /// Rate at which the energy of a spin 1/2 or a mode relaxes.
    Rate,
    /// Rate of spontaneous emission into a bath of bosons.
    Emission,
    /// Temperature.
    Temperature,
    /// Hamiltonian.
    Energy,
}

impl BathSetting {
    /// Its keyword.
    pub fn word(self) -> &'static str {
        BATH_SETTINGS.iter().find(|(setting, ..)| *setting == self).map_or("", |(_, word, ..)| word)
    }
}

/// Settings of `bath`: (setting, keyword, dimension, description).
pub const BATH_SETTINGS: &[(BathSetting, &str, Dimension, &str)] = &[
    (
        BathSetting::Rate,
        "rate",
        Dimension::FREQUENCY,
        "the rate at which the energy of a spin 1/2 (1/T1) or of a mode approaches equilibrium; a function of t is allowed",
    ),
    (
        BathSetting::Emission,
        "emission",
        Dimension::FREQUENCY,
        "instead of `rate`, the rate of spontaneous emission into bosons: jumps down at emission*(n + 1), up at emission*n",
    ),
    (
        BathSetting::Temperature,
        "temperature",
        Dimension::TEMPERATURE,
        "the temperature of the bath; by default that of the sample",
    ),
    (
        BathSetting::Energy,
        "energy",
        Dimension::FREQUENCY,
        "the Hamiltonian whose terms on the spin or mode alone give its levels; by default the Zeeman energy",
    ),
];
