//! The instrument program: what every channel of a console does, in order, in seconds, hertz and radian. A dialect is a way to write
//! it down.

use crate::ir::Align;
use crate::source::Span;
use std::sync::Arc;

/// What a console does.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// The title of the experiment.
    pub title: String,
    /// The channels; the one that is received comes first.
    pub channels: Vec<Channel>,
    /// How many rows the experiment has: the points of its sweeps; 1 where nothing is swept.
    pub rows: usize,
    /// The swept parameters.
    pub swept: Vec<String>,
    /// After how many scans all phases begin again.
    pub scans: usize,
    /// The time from the end of a scan to the next, where it is known.
    pub recycle: Option<f64>,
    /// The strongest gradient, T/m, where the spectrometer has a limit.
    pub max_gradient: Option<f64>,
    /// Which spins are polarised at the beginning; all where none are listed.
    pub polarised: Option<Vec<usize>>,
    /// What is done.
    pub steps: Vec<Step>,
}

/// A channel of the console.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The nucleus it is tuned to.
    pub nucleus: String,
    /// The chemical shift it is tuned to, where the file says so or has shifts.
    pub carrier: Option<f64>,
    /// How long the receiver is deaf behind a pulse, s.
    pub dead_time: Option<f64>,
}

/// A number that may be another in every row.
#[derive(Debug, Clone, PartialEq)]
pub enum PerRow {
    /// The same in all rows.
    Same(f64),
    /// One a row.
    Rows(Vec<f64>),
}

impl PerRow {
    /// One number where all are the same.
    pub fn of(values: Vec<f64>) -> PerRow {
        match values.first() {
            Some(first) if values.iter().all(|x| x == first) => PerRow::Same(*first),
            _ => PerRow::Rows(values),
        }
    }

    /// Its values in all rows.
    pub fn values(&self) -> &[f64] {
        match self {
            PerRow::Same(x) => std::slice::from_ref(x),
            PerRow::Rows(all) => all,
        }
    }

    /// The smallest value.
    pub fn least(&self) -> f64 {
        self.values().iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The largest value.
    pub fn most(&self) -> f64 {
        self.values().iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The same with every value changed.
    pub fn map(&self, change: impl Fn(f64) -> f64) -> PerRow {
        match self {
            PerRow::Same(x) => PerRow::Same(change(*x)),
            PerRow::Rows(all) => PerRow::of(all.iter().map(|x| change(*x)).collect()),
        }
    }

    /// The same with two numbers combined row by row.
    pub fn with(&self, other: &PerRow, combine: impl Fn(f64, f64) -> f64) -> PerRow {
        match (self, other) {
            (PerRow::Same(a), other) => other.map(|b| combine(*a, b)),
            (all, PerRow::Same(b)) => all.map(|a| combine(a, *b)),
            (PerRow::Rows(a), PerRow::Rows(b)) => PerRow::of(a.iter().zip(b).map(|(a, b)| combine(*a, *b)).collect()),
        }
    }
}

/// A step, and the statement it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What is done.
    pub kind: StepKind,
    /// The statement.
    pub span: Span,
}

/// Why nothing is sent for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The file says so.
    Written,
    /// The electronics need it.
    Electronics,
    /// A gradient rings down.
    Recovery,
    /// The same, where the emulation lets no time pass.
    NotEmulated,
}

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Nothing is sent.
    Delay(PerRow, Purpose),
    /// Pulses at once; a single one mostly.
    Pulses(Align, Vec<Pulse>),
    /// A field gradient along z.
    Gradient(Gradient),
    /// Repetition.
    Loop(PerRow, Vec<Step>),
    /// A moment that has a name.
    Mark(String),
    /// A signal is received.
    Acquire(Acquire),
    /// The decoupling of a channel starts.
    Decouple(Decoupling),
    /// The decoupling of the channel with this number ends.
    EndDecoupling(usize),
}

/// A decoupling sequence that runs during the next steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoupling {
    /// The number of its channel.
    pub channel: usize,
    /// Its word in the language.
    pub sequence: &'static str,
    /// The length of its pulse of 90 degrees, or of each of its pulses, s; 0 for a continuous wave.
    pub pulse: f64,
    /// Its strength, Hz.
    pub strength: f64,
    /// One a scan, radian.
    pub phases: Vec<f64>,
}

/// A pulse or lock of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulse {
    /// The number of its channel.
    pub channel: usize,
    /// How long, s; no time while it is ideal.
    pub duration: PerRow,
    /// Its flip angle, radian.
    pub angle: PerRow,
    /// Its largest strength, Hz; nothing while it is ideal.
    pub strength: f64,
    /// One a scan, radian.
    pub phases: Vec<f64>,
    /// Its envelope, where it changes.
    pub shape: Option<Shape>,
    /// Whether the file has it as a pulse of no duration.
    pub ideal: bool,
    /// Whether it is a lock.
    pub lock: bool,
}

/// Steps of equal length: each a share of the largest strength, and a phase in radian that is added to that of the pulse.
pub type Shape = Arc<[(f64, f64)]>;

/// A gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// Its largest strength.
    pub strength: GradientStrength,
    /// How long, s.
    pub duration: f64,
    /// Its envelope, shares of the strength, where it changes.
    pub shape: Option<Arc<[f64]>>,
    /// Whether its time passes in the emulation: that of an ideal crusher does where the spectrometer says how long one takes.
    pub timed: bool,
}

/// How strong a gradient is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GradientStrength {
    /// In T/m.
    Absolute(f64),
    /// A share of the strongest: that of a crusher, which needs no particular strength.
    Share(f64),
}

/// A signal that is received.
#[derive(Debug, Clone, PartialEq)]
pub struct Acquire {
    /// The channel.
    pub channel: usize,
    /// How many points, and the time between them; what the console has where the file says nothing.
    pub points: Option<(usize, f64)>,
    /// The phases of the receiver, one a scan, radian.
    pub phases: Vec<f64>,
}

impl Program {
    /// Calls `visit` for every step, also those of loops.
    pub fn each(&self, visit: &mut dyn FnMut(&Step)) {
        fn walk(steps: &[Step], visit: &mut dyn FnMut(&Step)) {
            for step in steps {
                visit(step);
                if let StepKind::Loop(_, body) = &step.kind {
                    walk(body, visit);
                }
            }
        }
        walk(&self.steps, visit);
    }

    /// Calls `change` for every step, also those of loops.
    pub fn each_mut(&mut self, change: &mut dyn FnMut(&mut Step)) {
        fn walk(steps: &mut [Step], change: &mut dyn FnMut(&mut Step)) {
            for step in steps {
                change(step);
                if let StepKind::Loop(_, body) = &mut step.kind {
                    walk(body, change);
                }
            }
        }
        walk(&mut self.steps, change);
    }

    /// The nucleus of a channel; nothing where there is no such channel.
    pub fn nucleus(&self, channel: usize) -> &str {
        self.channels.get(channel).map_or("", |c| c.nucleus.as_str())
    }

    /// The signal that is received.
    pub fn acquisition(&self) -> Option<Acquire> {
        let mut out = None;
        self.each(&mut |step| {
            if let StepKind::Acquire(acquire) = &step.kind {
                out = Some(acquire.clone());
            }
        });
        out
    }

    /// The largest strength that is sent, Hz.
    pub fn strongest(&self) -> f64 {
        let mut strongest = 0.0f64;
        self.each(&mut |step| {
            if let StepKind::Pulses(_, pulses) = &step.kind {
                strongest = pulses.iter().map(|p| p.strength).fold(strongest, f64::max);
            }
        });
        strongest
    }

    /// How long a scan takes in its first row, without what is received.
    pub fn duration(&self) -> f64 {
        fn of(steps: &[Step]) -> f64 {
            let first = |x: &PerRow| x.values().first().copied().unwrap_or(0.0);
            let one = |step: &Step| match &step.kind {
                StepKind::Delay(time, _) => first(time),
                StepKind::Pulses(_, pulses) => pulses.iter().map(|p| first(&p.duration)).fold(0.0, f64::max),
                StepKind::Gradient(gradient) => gradient.duration,
                StepKind::Loop(count, body) => first(count) * of(body),
                StepKind::Mark(_) | StepKind::Acquire(_) | StepKind::Decouple(_) | StepKind::EndDecoupling(_) => 0.0,
            };
            steps.iter().map(one).sum()
        }
        of(&self.steps)
    }
}
