//! Events of a sequence.

use super::compiled::Compile;
use super::look::Look;
use super::system::Each;
use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An event with its position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Event {
    /// The event.
    pub kind: EventKind,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

impl Event {
    /// Pulses of this event: its own, those of a parallel block, or those in the body of a loop.
    pub fn pulses(&self) -> Vec<&Pulse> {
        match &self.kind {
            EventKind::Pulse(pulse) | EventKind::Decouple(pulse) => vec![pulse.as_ref()],
            EventKind::Parallel { pulses, .. } => pulses.iter().collect(),
            EventKind::Loop { body, .. } => body.iter().flat_map(Event::pulses).collect(),
            EventKind::Acquire { decoupling, .. } => decoupling.iter().collect(),
            EventKind::Project { up, down, .. } => up.iter().chain(down).flat_map(Event::pulses).collect(),
            EventKind::Prepare(_)
            | EventKind::Reset { .. }
            | EventKind::Read { .. }
            | EventKind::Delay { .. }
            | EventKind::Gradient { .. }
            | EventKind::Lock(_)
            | EventKind::Evolve { .. }
            | EventKind::Compile(_)
            | EventKind::Crush { .. }
            | EventKind::Dephase { .. }
            | EventKind::Mark { .. }
            | EventKind::Tomography(_)
            | EventKind::EndDecoupling { .. } => vec![],
        }
    }
}

impl Event {
    /// Calls `visit` for the pulses of this event, to change them.
    pub fn each_pulse(&mut self, visit: &mut dyn FnMut(&mut Pulse)) {
        match &mut self.kind {
            EventKind::Pulse(pulse) | EventKind::Decouple(pulse) => visit(pulse),
            EventKind::Parallel { pulses, .. } => pulses.iter_mut().for_each(visit),
            EventKind::Loop { body, .. } => body.iter_mut().for_each(|event| event.each_pulse(visit)),
            EventKind::Acquire { decoupling, .. } => decoupling.iter_mut().for_each(visit),
            EventKind::Project { up, down, .. } => {
                up.iter_mut().chain(down).for_each(|event| event.each_pulse(visit));
            }
            EventKind::Prepare(_)
            | EventKind::Reset { .. }
            | EventKind::Read { .. }
            | EventKind::Delay { .. }
            | EventKind::Gradient { .. }
            | EventKind::Lock(_)
            | EventKind::Evolve { .. }
            | EventKind::Compile(_)
            | EventKind::Crush { .. }
            | EventKind::Dephase { .. }
            | EventKind::Mark { .. }
            | EventKind::Tomography(_)
            | EventKind::EndDecoupling { .. } => {}
        }
    }

    /// Name of the noise that acts during this event.
    pub fn noise(&self) -> Option<&str> {
        match &self.kind {
            EventKind::Delay { noise, .. } | EventKind::Evolve { noise, .. } => noise.as_deref(),
            EventKind::Pulse(pulse) => pulse.noise.as_deref(),
            EventKind::Lock(lock) => lock.noise.as_deref(),
            _ => None,
        }
    }

    /// Calls `visit` for the readings in this event: name and observable.
    pub fn readings<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a Expr)) {
        match &self.kind {
            EventKind::Read { name, observable } => visit(name, observable),
            EventKind::Loop { body, .. } => body.iter().for_each(|event| event.readings(visit)),
            EventKind::Project { up, down, .. } => up.iter().chain(down).for_each(|event| event.readings(visit)),
            _ => {}
        }
    }

    /// Calls `visit` for the counters of loops in this event.
    pub fn counters(&self, visit: &mut dyn FnMut(&str)) {
        match &self.kind {
            EventKind::Loop { repeat, body, .. } => {
                if let Repeat::Counter(each) = repeat {
                    visit(&each.index);
                }
                body.iter().for_each(|event| event.counters(visit));
            }
            EventKind::Project { up, down, .. } => up.iter().chain(down).for_each(|event| event.counters(visit)),
            _ => {}
        }
    }
}

/// Kinds of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Preparation of the initial state, the product of the given ones.
    Prepare(Vec<State>),
    /// A pulse on one channel.
    Pulse(Box<Pulse>),
    /// Free evolution.
    Delay {
        /// Duration.
        duration: Expr,
        /// True if measured from the centre of the previous pulse to the centre of the next.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        between_centres: bool,
        /// Name of the noise that acts meanwhile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<String>,
        /// Samples to record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Box<Record>>,
    },
    /// A field gradient along z.
    Gradient {
        /// Gradient strength, at the peak of a shape.
        strength: Box<Expr>,
        /// Duration.
        duration: Expr,
        /// Envelope; rectangular by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<Box<Expr>>,
    },
    /// A spin lock.
    Lock(Box<Lock>),
    /// Evolution under the given Hamiltonian alone.
    Evolve {
        /// Hamiltonian; may depend on t.
        hamiltonian: Box<Expr>,
        /// Duration.
        duration: Expr,
        /// Name of a noise model.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<String>,
        /// Samples to record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Box<Record>>,
    },
    /// Pulses and delays that make the evolution under a Hamiltonian; they stand in its place when the file is compiled.
    Compile(Box<Compile>),
    /// Ideal crusher gradient, or filter of coherence orders.
    Crush {
        /// Total coherence orders to keep; if none are given, those unaffected by a gradient.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keep: Vec<Expr>,
    },
    /// Removes the part of the state that does not commute with the operator.
    Dephase {
        /// The operator.
        hamiltonian: Box<Expr>,
    },
    /// Traces some subsystems out and puts others, in a new state and without correlations, in their place.
    Reset {
        /// The subsystems.
        sites: Vec<Expr>,
        /// The states whose product is their new state.
        states: Vec<State>,
    },
    /// Reads the mean of an observable, which later statements use.
    Read {
        /// Name of the value.
        name: String,
        /// The observable, a Hermitian operator.
        observable: Expr,
    },
    /// Projective measurement of a spin 1/2 and, for each outcome, what follows it.
    Project {
        /// The spin.
        site: Box<Expr>,
        /// The axis of the measured component.
        axis: Axis,
        /// Probability that the recorded outcome is the wrong one; 0 by default.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<Box<Expr>>,
        /// What follows the outcome +1/2.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        up: Vec<Event>,
        /// What follows the outcome -1/2.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        down: Vec<Event>,
    },
    /// A mark: a time at which metrics are evaluated.
    Mark {
        /// Name of the mark.
        name: String,
    },
    /// Acquisition of a free induction decay.
    Acquire {
        /// Detected nucleus.
        nucleus: String,
        /// Number of points.
        points: Box<Expr>,
        /// Dwell time.
        dwell: Box<Expr>,
        /// Receiver phase.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Box<Expr>>,
        /// Signal-to-noise ratio: largest noise-free point over the standard deviation of the noise in the real and in the imaginary part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snr: Option<Box<Expr>>,
        /// Seed of the noise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<Box<Expr>>,
        /// What other channels send meanwhile.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        decoupling: Vec<Pulse>,
    },
    /// State tomography.
    Tomography(Box<Tomography>),
    /// A loop.
    Loop {
        /// How often it runs.
        #[serde(flatten)]
        repeat: Repeat,
        /// What is observed before the first and after every pass.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        look: Option<Look>,
        /// Body.
        body: Vec<Event>,
    },
    /// Simultaneous pulses.
    Parallel {
        /// Alignment of pulses of different duration.
        align: Align,
        /// The pulses.
        pulses: Vec<Pulse>,
    },
    /// A decoupling sequence, the shape of the pulse, starts on its channel. It runs up to the end of the decoupling of this channel, which is
    /// in the same list of events.
    Decouple(Box<Pulse>),
    /// The decoupling of a channel ends.
    #[serde(rename = "end_decoupling")]
    EndDecoupling {
        /// Nucleus.
        nucleus: String,
    },
}

/// How often a loop runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// So many equal repetitions.
    Count(Expr),
    /// Once for every value of a counter, whose name is a number in the body.
    Counter(Box<Each>),
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Repeat::Count(count) => write!(f, "× {count}"),
            Repeat::Counter(each) => write!(f, "{} in {}..{}", each.index, each.from, each.to),
        }
    }
}

/// An axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Axis {
    /// The x axis.
    X,
    /// The y axis.
    Y,
    /// The z axis.
    #[default]
    Z,
}

impl Axis {
    /// The axis with this name.
    pub fn named(name: &str) -> Option<Axis> {
        match name {
            "x" => Some(Axis::X),
            "y" => Some(Axis::Y),
            "z" => Some(Axis::Z),
            _ => None,
        }
    }
}

/// Recording of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Number of samples, the first at the start and the last at the end.
    pub points: Expr,
    /// Name of the trace.
    pub name: String,
}

/// A pulse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// Nucleus.
    pub nucleus: String,
    /// Flip angle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle: Option<Expr>,
    /// Phase.
    pub phase: Expr,
    /// Nutation frequency at the peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rf: Option<Expr>,
    /// Duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Expr>,
    /// Shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Box<Expr>>,
    /// Frequency offset from the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Box<Expr>>,
    /// Phase modulation, as a function of t.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulation: Option<Box<Expr>>,
    /// When it begins inside of `parallel`; as the others are aligned when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Box<Expr>>,
    /// True for an ideal (instantaneous) pulse.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ideal: bool,
    /// Name of the noise that acts meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<String>,
    /// Samples to record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<Record>>,
    /// Its position.
    #[serde(skip)]
    pub place: Place,
}

/// State tomography.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tomography {
    /// Signal-to-noise ratio of a reference line in one scan; noise-free by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snr: Option<Expr>,
    /// Number of scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scans: Option<Expr>,
    /// Seed of the noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Expr>,
    /// Number of bootstrap repetitions for the errors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<Expr>,
    /// Number of points of the simulated free induction decay; by default amplitudes are read directly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Expr>,
    /// Dwell time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell: Option<Expr>,
    /// Reconstruction method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The readouts; by default the smallest complete set.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readouts: Vec<String>,
    /// Detected nuclei; by default all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detect: Vec<String>,
}

/// A spin lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Nucleus.
    pub nucleus: String,
    /// Phase.
    pub phase: Expr,
    /// Initial nutation frequency.
    pub from: Expr,
    /// Final nutation frequency.
    pub to: Expr,
    /// Duration.
    pub over: Expr,
    /// Amplitude ramp; linear by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Expr>,
    /// Number of steps of equal length; continuous by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Expr>,
    /// Name of the noise that acts meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<String>,
    /// Samples to record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Box<Record>>,
}

/// Alignment of parallel pulses of different duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// Common start.
    #[default]
    Start,
    /// Common centre.
    Centre,
    /// Common end.
    End,
}

/// Keywords of [`Align`].
pub const ALIGNMENTS: &[(&str, Align)] =
    &[("start", Align::Start), ("centre", Align::Centre), ("center", Align::Centre), ("end", Align::End)];

/// A state to prepare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
