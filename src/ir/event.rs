//! What is done to the sample, event by event.

use crate::source::Place;
use crate::syntax::Expr;
use serde::{Deserialize, Serialize};

/// An event and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What is done.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

impl Event {
    /// The pulses in it: of itself, of what is at once, of the body of a loop.
    pub fn pulses(&self) -> Vec<&Pulse> {
        match &self.kind {
            EventKind::Pulse(pulse) => vec![pulse],
            EventKind::Parallel { pulses, .. } => pulses.iter().collect(),
            EventKind::Loop { body, .. } => body.iter().flat_map(Event::pulses).collect(),
            EventKind::Prepare(_)
            | EventKind::Delay { .. }
            | EventKind::Gradient { .. }
            | EventKind::Lock(_)
            | EventKind::Evolve { .. }
            | EventKind::Crush { .. }
            | EventKind::Dephase { .. }
            | EventKind::Mark { .. }
            | EventKind::Acquire { .. }
            | EventKind::Tomography(_) => vec![],
        }
    }
}

/// The events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// The initial state: the product of the given ones.
    Prepare(Vec<State>),
    /// A pulse on one channel.
    Pulse(Pulse),
    /// Free evolution.
    Delay {
        /// How long.
        duration: Expr,
        /// From the middle of the pulse before to the middle of the next.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        between_centres: bool,
        /// Samples to take.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Record>,
    },
    /// A field gradient along z.
    Gradient {
        /// Its strength, at the peak of a shape.
        strength: Expr,
        /// How long.
        duration: Expr,
        /// Its envelope; rectangular when not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shape: Option<Expr>,
    },
    /// A spin lock.
    Lock(Lock),
    /// Evolution under exactly one Hamiltonian.
    Evolve {
        /// Which; may depend on t.
        hamiltonian: Expr,
        /// How long.
        duration: Expr,
        /// The name of a noise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<String>,
        /// Samples to take.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<Record>,
    },
    /// An ideal gradient, or filter of coherence orders.
    Crush {
        /// Total orders that stay; those that no gradient moves when none are given.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keep: Vec<Expr>,
    },
    /// What does not commute with the operator vanishes.
    Dephase {
        /// The operator.
        hamiltonian: Expr,
    },
    /// A moment at which metrics are evaluated.
    Mark {
        /// Its name.
        name: String,
    },
    /// A free induction decay.
    Acquire {
        /// Of which nucleus.
        nucleus: String,
        /// How many points.
        points: Expr,
        /// The time between two.
        dwell: Expr,
        /// The receiver's phase.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<Expr>,
        /// The largest point of the noiseless decay over the standard deviation of the noise of each part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snr: Option<Expr>,
        /// Of the noise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed: Option<Expr>,
    },
    /// Readout of the state.
    Tomography(Tomography),
    /// Repetition.
    Loop {
        /// How often.
        count: Expr,
        /// What.
        body: Vec<Event>,
    },
    /// Pulses at once.
    Parallel {
        /// How pulses of unequal length lie.
        align: Align,
        /// The pulses.
        pulses: Vec<Pulse>,
    },
}

/// Samples of a trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// How many, the first at the start and the last at the end.
    pub points: Expr,
    /// The trace's name.
    pub name: String,
}

/// A pulse.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// The nucleus.
    pub nucleus: String,
    /// The flip angle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle: Option<Expr>,
    /// The phase.
    pub phase: Expr,
    /// The nutation frequency at the peak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rf: Option<Expr>,
    /// The length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Expr>,
    /// The shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Expr>,
    /// Its frequency, from the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<Expr>,
    /// An angle added to its phase, in t.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modulation: Option<Expr>,
    /// Of no duration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ideal: bool,
    /// Samples to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
    /// Where it stands.
    #[serde(skip)]
    pub place: Place,
}

/// A readout of the state.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tomography {
    /// Signal to noise of a reference line in one scan; no noise when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snr: Option<Expr>,
    /// How many scans are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scans: Option<Expr>,
    /// Of the noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<Expr>,
    /// How often errors are tried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetitions: Option<Expr>,
    /// The points of a free induction decay; amplitudes are read without one when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Expr>,
    /// The time between points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dwell: Option<Expr>,
    /// How the state is made of amplitudes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The readouts; the smallest set that sees all when none are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readouts: Vec<String>,
    /// The nuclei that are detected; all when none are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detect: Vec<String>,
}

/// The settings of `tomography`: word, meaning.
pub const TOMOGRAPHY_SETTINGS: &[(&str, &str)] = &[
    (
        "snr",
        "the strongest line of the thermal state after 90 deg over the noise of an amplitude, in one scan; no noise when not given",
    ),
    (
        "points",
        "of a free induction decay, from which the amplitudes are fitted; `snr` is then that of a single point of it",
    ),
    ("dwell", "the time between the points"),
    ("scans", "how many scans of every readout are added, 1 when not given"),
    ("seed", "of the noise, 0 when not given; every point of a sweep has the same noise"),
    ("method", "`linear`, `maximum_likelihood` or `maximum_entropy`; linear when not given"),
    ("readouts", "the readouts in quotes, such as \"II, IX, IY, XX\"; the smallest set that sees all when not given"),
    ("detect", "the nuclei that are detected, `1H` or \"1H, 13C\"; all when not given"),
    ("repetitions", "how often noise is tried out for errors and intervals, 400 when not given"),
];

/// The settings of `acquire`: word, meaning.
pub const ACQUIRE_SETTINGS: &[(&str, &str)] = &[
    (
        "snr",
        "the largest point of the decay over the standard deviation of the noise in each part; no noise when not given",
    ),
    ("seed", "the seed of the noise, 0 when not given; every point of a sweep has the same noise"),
];

/// The settings of a pulse: word, meaning.
pub const PULSE_SETTINGS: &[(&str, &str)] = &[
    ("rf", "the nutation frequency, at the peak of a shape"),
    ("duration", "the length; with the angle it gives the rf"),
    ("shape", "the envelope: a word of the table, a shape from a file, or an expression in t"),
    (
        "offset",
        "how far from the carrier the pulse is: its phase turns by `2 pi offset t`, in step with spins of that offset",
    ),
    ("modulation", "an angle that is added to the phase, an expression in t"),
];

/// A spin lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The nucleus.
    pub nucleus: String,
    /// The phase.
    pub phase: Expr,
    /// The first nutation frequency.
    pub from: Expr,
    /// The last one.
    pub to: Expr,
    /// How long.
    pub over: Expr,
    /// How it goes from one to the other; linearly when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Expr>,
    /// In how many steps of equal length; evenly when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Expr>,
    /// Samples to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// How parallel pulses of unequal length lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Align {
    /// All begin together.
    #[default]
    Start,
    /// Their middles coincide.
    Centre,
    /// All end together.
    End,
}

/// The words of [`Align`].
pub const ALIGNMENTS: &[(&str, Align)] =
    &[("start", Align::Start), ("centre", Align::Centre), ("center", Align::Centre), ("end", Align::End)];

/// A state to prepare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Every spin in its own Zeeman Gibbs state at the laboratory field and temperature.
    Thermal {
        /// Which; all that no other state names when not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Expr>,
    },
    /// The maximally mixed state.
    Mixed {
        /// Which; all that no other state names when not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sites: Option<Expr>,
    },
    /// `exp(-H/T)/Z`; beside other states, of the subsystems that H acts on.
    Gibbs {
        /// H.
        hamiltonian: Expr,
        /// T.
        temperature: Expr,
    },
    /// `(1 - H/T)/N`, H without its mean; beside other states, of the subsystems that H acts on.
    #[serde(rename = "high_temperature")]
    HighTemperature {
        /// H.
        hamiltonian: Expr,
        /// T.
        temperature: Expr,
    },
    /// A basis state, one digit for each subsystem.
    Ket {
        /// The digits; `,` between them where one has several.
        digits: String,
        /// Where it stands.
        #[serde(skip)]
        place: Place,
    },
    /// Highest state of one subsystem: m = +I, or the highest Fock state.
    Up {
        /// Which.
        site: Expr,
    },
    /// Lowest state of one subsystem: m = -I.
    Down {
        /// Which.
        site: Expr,
    },
    /// A Fock state of a mode.
    Fock {
        /// Which.
        site: Expr,
        /// How many quanta.
        quanta: Expr,
    },
    /// A Dicke state of a collective: n of its spins up.
    Dicke {
        /// Which.
        site: Expr,
        /// How many are up.
        excitations: Expr,
    },
    /// A product state of a collective's spins: definite ones are up, the others down.
    Definite {
        /// Which.
        site: Expr,
        /// How many are up.
        excitations: Expr,
    },
    /// A mixture with weights.
    Mix(Vec<(Expr, State)>),
    /// A superposition with real amplitudes, normalised.
    Superposition(Vec<(Expr, State)>),
}

/// The states of the language: word, arguments, meaning.
pub const STATES: &[(&str, &str, &str)] = &[
    (
        "thermal",
        " or thermal(sites)",
        "the product of every spin's own Zeeman Gibbs state at the laboratory field and temperature",
    ),
    ("mixed", " or mixed(sites)", "the maximally mixed state"),
    (
        "gibbs",
        "(H, T)",
        "the Gibbs state of any Hamiltonian; beside other states, that of the subsystems that H acts on",
    ),
    ("high_temperature", "(H, T)", "the Gibbs state to first order, (1 - H/T)/N with N states and H without its mean"),
    ("ket", "\"01\"", "a basis state, one digit a subsystem in the order of declaration; 0 is spin up, or the vacuum"),
    ("up", "(site)", "m = +I of a spin or a collective"),
    ("down", "(site)", "m = -I of a spin or a collective; the vacuum of a mode"),
    ("fock", "(mode, n)", "n quanta in a mode"),
    ("dicke", "(collective, n)", "the symmetric state with n spins up"),
    (
        "definite",
        "(collective, n)",
        "n definite spins of a collective up and the others down; not symmetric among the spins",
    ),
    ("mix", "(p: state, ...)", "a mixture; the weights add up to 1"),
    ("superposition", "(a: state, ...)", "a superposition with real amplitudes; it is normalised"),
];
