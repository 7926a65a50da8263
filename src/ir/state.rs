//! States to prepare.

use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};

/// A state to prepare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum State {
    /// Thermal equilibrium: every spin in its own Zeeman Gibbs state at the laboratory field and temperature.
    Thermal {
        /// The subsystems; by default all not named by another state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Expr>,
    },
    /// The maximally mixed state.
    Mixed {
        /// The subsystems; by default all not named by another state.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Expr>,
    },
    /// Gibbs state `exp(-H/T)/Z`; in a product with other states, on the subsystems on which H acts.
    Gibbs {
        /// Hamiltonian H.
        hamiltonian: Expr,
        /// Temperature T.
        temperature: Expr,
    },
    /// High-temperature state `(1 - H/T)/N` with the traceless part of H; in a product with other states, on the subsystems on
    /// which H acts.
    #[serde(rename = "high_temperature")]
    HighTemperature {
        /// Hamiltonian H.
        hamiltonian: Expr,
        /// Temperature T.
        temperature: Expr,
    },
    /// Steady state of the Lindbladian of a constant Hamiltonian, with the relaxation of the system and a named noise.
    #[serde(rename = "steady_state")]
    SteadyState {
        /// Hamiltonian.
        hamiltonian: Expr,
        /// Name of the noise, if one is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<String>,
    },
    /// A basis state, one digit per subsystem.
    Ket {
        /// The digits, separated by `,` if one has several.
        digits: String,
        /// Its position.
        #[serde(skip)]
        place: Place,
    },
    /// Highest state of a subsystem: m = +I, or the highest Fock state.
    Up {
        /// The subsystem, or an array of them.
        site: Expr,
    },
    /// Lowest state of a subsystem: m = -I, or the vacuum of a mode.
    Down {
        /// The subsystem.
        site: Expr,
    },
    /// A Fock state of a mode.
    Fock {
        /// The mode.
        site: Expr,
        /// Number of quanta.
        quanta: Expr,
    },
    /// A Dicke state of a collective with n spins up.
    Dicke {
        /// The collective.
        site: Expr,
        /// Number of spins up.
        excitations: Expr,
    },
    /// A product state of the spins of a collective: specified ones are up, the others down.
    Definite {
        /// The collective.
        site: Expr,
        /// Number of spins up.
        excitations: Expr,
    },
    /// A density matrix from a file, on all subsystems.
    Density {
        /// Path of the file.
        path: String,
        /// Real and imaginary parts, row by row, in the order of the product states.
        elements: Vec<Vec<(f64, f64)>>,
        /// Its position.
        #[serde(skip)]
        place: Place,
    },
    /// A mixture with weights.
    Mix(Vec<(Expr, State)>),
    /// A superposition, normalised.
    Superposition(Vec<Amplitude>),
}

/// A state of a superposition with its amplitude.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amplitude {
    /// Magnitude; a negative one has the opposite phase.
    pub size: Expr,
    /// Phase, 0 if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Expr>,
    /// The state.
    pub state: State,
}

impl State {
    /// True if it contains a steady state.
    pub fn is_steady(&self) -> bool {
        match self {
            State::SteadyState { .. } => true,
            State::Mix(parts) => parts.iter().any(|(_, state)| state.is_steady()),
            State::Superposition(parts) => parts.iter().any(|part| part.state.is_steady()),
            _ => false,
        }
    }
}

/// Keyword of a state from a file.
pub const DENSITY: &str = "density";

/// States of the language: (keyword, arguments, description).
pub const STATES: &[(&str, &str, &str)] = &[
    (
        "thermal",
        " or thermal(sites)",
        "the product of the Zeeman Gibbs states of all spins at the field and temperature of the system",
    ),
    ("mixed", " or mixed(sites)", "the maximally mixed state"),
    (
        "gibbs",
        "(H, T)",
        "the Gibbs state exp(-H/k_B T)/Z, for T = 0 the ground level; in a list, of the subsystems on which H acts",
    ),
    ("high_temperature", "(H, T)", "the Gibbs state to first order, (1 - H/T)/N with N states and traceless H"),
    (
        "steady_state",
        "(H) or steady_state(H, noise)",
        "the steady state under H with the relaxation of the system, and a noise if one is named; it stands alone",
    ),
    (
        "ket",
        "\"01\"",
        "a basis state, one digit per subsystem in the order of declaration; 0 is spin up, or the vacuum",
    ),
    ("up", "(sites)", "m = +I of a spin, of every spin of an array, or of a collective"),
    ("down", "(sites)", "m = -I of a spin, of every spin of an array, or of a collective; the vacuum of a mode"),
    ("fock", "(mode, n)", "n quanta in a mode"),
    ("dicke", "(collective, n)", "the symmetric state with n spins up"),
    (
        "definite",
        "(collective, n)",
        "n particular spins of a collective up and the others down; not symmetric under exchange",
    ),
    (
        DENSITY,
        "\"path\"",
        "a density matrix from a file, of all subsystems in the order of declaration; in a `state` declaration only",
    ),
    ("mix", "(p: state, ...)", "a mixture; the weights add up to 1"),
    (
        "superposition",
        "(a: state, b phase 90 deg: state, ...)",
        "a superposition with amplitudes of a magnitude and, if given, a phase; it is normalised",
    ),
];
