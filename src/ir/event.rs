//! Events of a sequence.

use super::compiled::Compile;
use super::look::Look;
use super::state::State;
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
#[serde(rename_all = "lowercase", deny_unknown_fields)]
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
    #[serde(with = "loop_form")]
    Loop {
        /// How often it runs.
        repeat: Repeat,
        /// What is observed before the first and after every pass.
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
#[derive(Debug, Clone, PartialEq)]
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

/// Loops in YAML: `{ count: N, look, body }`, or `{ counter: { ... }, look, body }`. `#[serde(flatten)]` gives the same form, but accepts
/// misspelled keys.
mod loop_form {
    use super::{Each, Event, Expr, Look, Repeat};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize)]
    struct Written<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<&'a Expr>,
        #[serde(skip_serializing_if = "Option::is_none")]
        counter: Option<&'a Each>,
        #[serde(skip_serializing_if = "Option::is_none")]
        look: &'a Option<Look>,
        body: &'a [Event],
    }

    /// Writes the fields of a loop.
    pub fn serialize<S: Serializer>(
        repeat: &Repeat,
        look: &Option<Look>,
        body: &[Event],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let (count, counter) = match repeat {
            Repeat::Count(count) => (Some(count), None),
            Repeat::Counter(each) => (None, Some(&**each)),
        };
        Written { count, counter, look, body }.serialize(serializer)
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Read {
        #[serde(default)]
        count: Option<Expr>,
        #[serde(default)]
        counter: Option<Box<Each>>,
        #[serde(default)]
        look: Option<Look>,
        body: Vec<Event>,
    }

    /// Reads the fields of a loop, which has one number of passes.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<(Repeat, Option<Look>, Vec<Event>), D::Error> {
        let Read { count, counter, look, body } = Read::deserialize(deserializer)?;
        let repeat = match (count, counter) {
            (Some(count), None) => Repeat::Count(count),
            (None, Some(each)) => Repeat::Counter(each),
            _ => return Err(D::Error::custom("a loop has either `count` or `counter`")),
        };
        Ok((repeat, look, body))
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
