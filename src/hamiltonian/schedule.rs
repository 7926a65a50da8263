//! The schedule: what acts, when, and how strongly, at one parameter point. Edges are explicit; between two of them the
//! Hamiltonian is a sum of operators with coefficients that are constant or smooth.

use crate::ir::State;
use crate::linalg::{C64, Matrix, real};
use crate::source::{Place, Span};
use crate::spin::{Basis, Operator};
use crate::waveform::Scalar;
use std::sync::Arc;

/// All steps, in order.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The basis.
    pub basis: Arc<Basis>,
    /// The states whose product is the initial state.
    pub prepare: Vec<State>,
    /// Place of `prepare` in the source.
    pub prepare_place: Place,
    /// The steps after `prepare`.
    pub steps: Vec<Step>,
    /// Number of steps up to the end of each event of the sequence.
    pub event_ends: Vec<usize>,
    /// The battery.
    pub battery: Option<Battery>,
}

/// The battery: its subsystems and its Hamiltonian on the whole space, rad/s.
#[derive(Debug, Clone)]
pub struct Battery {
    /// Indices of its sites, ascending.
    pub sites: Vec<usize>,
    /// Its Hamiltonian on the whole space, rad/s.
    pub hamiltonian: Operator,
    /// Place of its declaration.
    pub place: Place,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Evolution over a finite time.
    Segment(Segment),
    /// An ideal (instantaneous) pulse.
    Kick(Kick),
    /// A gradient: removes all coherences that it dephases, or, if total orders are listed, all other orders.
    Crush(Vec<i64>),
    /// Removes the part of the state that does not commute with the operator.
    Dephase(Operator, Place),
    /// A reset of some sites.
    Reset(Reset),
    /// A projective measurement with what follows each outcome.
    Project(Project),
    /// A reading of the mean of an observable, or an evolution whose strengths depend on readings.
    Feedback(Box<Feedback>),
    /// A mark, at which metrics are evaluated.
    Mark(String),
    /// A free induction decay.
    Acquire(Box<Acquire>),
    /// A tomography of the state.
    Tomography(Box<Tomography>),
    /// A loop: number of repetitions and body.
    Loop(u64, Vec<Step>),
    /// A loop that is observed once a pass.
    Strobe(Strobe),
}

/// A loop that is observed stroboscopically.
#[derive(Debug, Clone)]
pub struct Strobe {
    /// Runs of equal passes: their number, and the steps of each.
    pub runs: Vec<(u64, Vec<Step>)>,
    /// What is observed.
    pub look: Look,
    /// Place of the statement in the source.
    pub place: Place,
}

/// What is observed stroboscopically.
#[derive(Debug, Clone)]
pub enum Look {
    /// The requested metrics, before the first and after every pass: the name of the trace.
    Trace(String),
    /// The signal at the start of every pass.
    Signal(Box<Receiver>),
}

impl Strobe {
    /// Number of passes.
    pub fn passes(&self) -> u64 {
        self.runs.iter().map(|(times, _)| times).sum()
    }
}

/// A reset: `rho -> sigma (x) Tr_S[rho]`, with the sites S in the state sigma afterwards.
#[derive(Debug, Clone)]
pub struct Reset {
    /// The sites S, ascending.
    pub sites: Vec<usize>,
    /// Density matrix sigma of their product, the first site leftmost.
    pub state: Arc<Matrix>,
    /// Operators that lead from every state of a site to those that sigma occupies.
    pub moves: Vec<Operator>,
    /// Place of the statement in the source.
    pub place: Place,
}

/// A projective measurement and what follows it: `rho -> sum_k B_k[sum_l p(k|l) P_l rho P_l]`, the mean over the outcomes l and the recorded
/// outcomes k, of which the branch is executed.
#[derive(Debug, Clone)]
pub struct Project {
    /// The outcomes: projector, and the steps that follow if it is recorded. All branches have the same duration.
    pub branches: Vec<(Operator, Vec<Step>)>,
    /// Probability that another outcome than the true one is recorded.
    pub error: f64,
    /// Place of the statement in the source.
    pub place: Place,
}

/// Feedback of means to the evolution. The process is not linear in the state.
#[derive(Debug, Clone)]
pub enum Feedback {
    /// The mean of an observable is read.
    Read(Reading),
    /// A segment or a kick with coefficients that depend on the readings as variables, by their numbers.
    Driven(Step),
}

/// A reading: `Tr[A rho]` at this time, the value of a variable from here on.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Its name in the file.
    pub name: String,
    /// Number of the variable.
    pub number: usize,
    /// The observable A, in the units in which it is written.
    pub observable: Arc<Operator>,
    /// Place of the statement in the source.
    pub place: Place,
}

impl Feedback {
    /// Its segment or kick, which is unitary if there is no relaxation.
    pub fn driven(&self) -> Option<&Step> {
        match self {
            Feedback::Read(_) => None,
            Feedback::Driven(step) => Some(step),
        }
    }

    /// Place of the statement in the source.
    pub fn place(&self) -> Place {
        match self {
            Feedback::Read(reading) => reading.place,
            Feedback::Driven(Step::Segment(segment)) => segment.place,
            Feedback::Driven(Step::Kick(kick)) => kick.place,
            Feedback::Driven(_) => Place::default(),
        }
    }
}

impl Step {
    /// The first feedback in it, if there is one.
    pub fn feedback(&self) -> Option<&Feedback> {
        match self {
            Step::Feedback(feedback) => Some(feedback),
            Step::Loop(_, body) => body.iter().find_map(Step::feedback),
            Step::Strobe(strobe) => strobe.runs.iter().find_map(|(_, body)| body.iter().find_map(Step::feedback)),
            Step::Project(project) => {
                project.branches.iter().find_map(|(_, steps)| steps.iter().find_map(Step::feedback))
            }
            Step::Segment(_)
            | Step::Kick(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Mark(_)
            | Step::Acquire(_)
            | Step::Tomography(_) => None,
        }
    }
}

/// Evolution between two edges.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Duration: s, or natural units of time.
    pub duration: f64,
    /// `H(t) = sum c(t) A` without rf fields, rad/s; t is the time since the start of the segment.
    pub drift: Vec<Term>,
    /// The rf fields, added to the drift.
    pub controls: Vec<Control>,
    /// Period of the Hamiltonian, if it is time-dependent and periodic.
    pub period: Option<f64>,
    /// The relaxation that acts.
    pub relaxing: Arc<Relaxing>,
    /// The samples to record.
    pub record: Option<Box<Record>>,
    /// Place of the statement in the source.
    pub place: Place,
}

/// A coefficient in rad/s as a function of time since the start of its segment, and its operator.
pub type Term = (Scalar, Arc<Operator>);

/// An rf field.
#[derive(Debug, Clone)]
pub struct Control {
    /// Its terms in the Hamiltonian; empty if the field vanishes.
    pub terms: Vec<Term>,
    /// The tabulated shape that its amplitude and phase follow.
    pub shape: Option<Box<ShapeUse>>,
    /// The nucleus, if it is the field of a decoupling sequence that runs beyond the statement.
    pub decoupled: Option<Arc<str>>,
}

/// A field that follows a tabulated pulse shape.
#[derive(Debug, Clone)]
pub struct ShapeUse {
    /// Index of the shape in the experiment.
    pub shape: usize,
    /// Dependence of the field on the steps; `None` if it is not linear in them.
    pub steps: Option<ShapeSteps>,
}

/// Consecutive steps of a shape, of equal duration, that fill a segment. In a step with amplitude a and phase phi the field is
/// `r (a cos(phi + theta) X + a sin(phi + theta) Y)`.
#[derive(Debug, Clone)]
pub struct ShapeSteps {
    /// The step at the start of the segment, from zero; a fraction if the segment starts within a step.
    pub from: f64,
    /// The step at its end, after which the segment does not go.
    pub to: f64,
    /// X, rad/s; for an ideal pulse, rad.
    pub x: Arc<Operator>,
    /// Y, in the same units.
    pub y: Arc<Operator>,
    /// The factor r as a function of time since the start of the segment, from rise time, droop and noise; `None` for 1.
    pub response: Option<Scalar>,
    /// The phase theta as a function of the same time, rad, from offset and modulation; `None` for 0.
    pub turning: Option<Scalar>,
    /// The impulse response of the transmitter, which spreads every step over several intervals; `None` if the field follows at once.
    pub kernel: Option<Filtered>,
}

/// A filtered waveform as a function of the steps of a tabulated shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Filtered {
    /// Duration of an interval, s.
    pub step: f64,
    /// Time since the start of the pulse at which the segment begins, s.
    pub begin: f64,
    /// In every interval since the start of the pulse, the steps that contribute, and their factors.
    pub intervals: Arc<[Vec<(usize, C64)>]>,
}

/// The relaxation of a state.
#[derive(Debug, Clone, Default)]
pub struct Relaxing {
    /// Collapse operators including the square roots of their rates, 1/sqrt(s).
    pub collapse: Vec<Operator>,
    /// Collapse operators with rates that depend on time.
    pub changing: Vec<ChangingRate>,
    /// Additional decay of dipolar order, if its lifetime T1D is given.
    pub order: Option<OrderDecay>,
}

/// `rate(t) (c rho c^dagger - {c^dagger c, rho}/2)`.
#[derive(Debug, Clone)]
pub struct ChangingRate {
    /// Function of the time since the start of the segment, 1/s for an operator without dimension.
    pub rate: Scalar,
    /// The operator c.
    pub operator: Operator,
    /// Where the rate is given, if it must not be negative; the weights of a collapse operator with several terms may be.
    pub stated: Option<Span>,
}

/// `d rho/dt = -Tr[G rho] H`: the expectation value of H decays at `Tr[H^2] Tr[G rho]`; other components of the state are unaffected.
#[derive(Debug, Clone)]
pub struct OrderDecay {
    /// H.
    pub hamiltonian: Operator,
    /// G.
    pub lost: Operator,
}

impl Relaxing {
    /// True if there is no relaxation.
    pub fn is_empty(&self) -> bool {
        self.collapse.is_empty() && self.changing.is_empty() && self.order.is_none()
    }

    /// Rates that depend on time.
    pub fn rates(&self) -> impl Iterator<Item = &Scalar> {
        self.changing.iter().map(|changing| &changing.rate)
    }
}

impl Project {
    /// `p(k|l)`: the probability that outcome k is recorded if l is true.
    pub fn recorded(&self, k: usize, l: usize) -> f64 {
        if k == l { 1.0 - self.error } else { self.error }
    }
}

impl Segment {
    /// `H(t) = sum c(t) A`, drift terms first.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.drift.iter().chain(self.fields())
    }

    /// The terms of the rf fields.
    pub fn fields(&self) -> impl Iterator<Item = &Term> {
        self.controls.iter().flat_map(|control| &control.terms)
    }
}

impl Step {
    /// True if it is unitary; a tomography leaves the state unchanged.
    pub fn is_unitary(&self) -> bool {
        match self {
            Step::Segment(segment) => segment.relaxing.is_empty(),
            Step::Acquire(acquire) => acquire.segment.relaxing.is_empty(),
            Step::Kick(_) | Step::Mark(_) | Step::Tomography(_) => true,
            Step::Crush(_) | Step::Dephase(..) | Step::Reset(_) | Step::Project(_) => false,
            Step::Feedback(feedback) => feedback.driven().is_none_or(Step::is_unitary),
            Step::Loop(_, body) => body.iter().all(Step::is_unitary),
            Step::Strobe(strobe) => strobe.runs.iter().all(|(_, body)| body.iter().all(Step::is_unitary)),
        }
    }
}

/// The samples to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Number of samples.
    pub points: usize,
    /// Name of the trace.
    pub name: String,
}

/// An ideal pulse: `exp(-i angle (Fx cos phase + Fy sin phase))`.
#[derive(Debug, Clone)]
pub struct Kick {
    /// Fx of the channel.
    pub x: Arc<Operator>,
    /// Fy of the channel.
    pub y: Arc<Operator>,
    /// Flip angle, rad.
    pub angle: Scalar,
    /// Phase, rad.
    pub phase: f64,
    /// True for the transient at an edge of a finite pulse.
    pub transient: bool,
    /// The shape whose first or last step a transient follows.
    pub shape: Option<Box<ShapeUse>>,
    /// Place of the statement in the source.
    pub place: Place,
}

/// Detection of a signal: `Tr[rho F+] exp(-i phase)` at equidistant times.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The observed nucleus.
    pub nucleus: String,
    /// Number of points.
    pub points: usize,
    /// Dwell time.
    pub dwell: f64,
    /// Receiver phase, rad.
    pub phase: f64,
    /// Dead time: earlier points are not recorded.
    pub dead_time: f64,
    /// F+ of the nucleus.
    pub raising: Arc<Operator>,
    /// Standard deviation of the noise in each part, as a fraction of the largest point, and its seed.
    pub noise: Option<(f64, u64)>,
}

/// A free induction decay.
#[derive(Debug, Clone)]
pub struct Acquire {
    /// Its detection.
    pub receiver: Receiver,
    /// The evolution during the acquisition.
    pub segment: Segment,
}

impl Kick {
    /// The same rotation as an evolution for a unit of time.
    pub fn as_segment(&self) -> Segment {
        let terms = vec![(self.angle.clone(), Arc::new(self.generator()))];
        Segment {
            duration: 1.0,
            drift: vec![],
            controls: vec![Control { terms, shape: self.shape.clone(), decoupled: None }],
            period: None,
            relaxing: Arc::default(),
            record: None,
            place: self.place,
        }
    }

    /// Its Hamiltonian over a unit of time: Fx and Fy with their coefficients.
    pub fn terms(&self) -> [Term; 2] {
        let (x, y) = (clean(self.phase.cos()), clean(self.phase.sin()));
        [(self.angle.scaled(x), self.x.clone()), (self.angle.scaled(y), self.y.clone())]
    }

    /// `Fx cos phase + Fy sin phase`.
    pub fn generator(&self) -> Operator {
        let x = (*self.x).clone().times_number(real(clean(self.phase.cos())));
        x.plus((*self.y).clone().times_number(real(clean(self.phase.sin()))))
    }
}

/// A channel of a tomography.
#[derive(Debug, Clone)]
pub struct Receiving {
    /// Its nucleus.
    pub nucleus: String,
    /// Fx of its spins.
    pub x: Arc<Operator>,
    /// Fy of its spins.
    pub y: Arc<Operator>,
    /// True if its signal is detected.
    pub detected: bool,
    /// Line width, rad/s: closer lines are not resolved.
    pub width: f64,
    /// Dead time of the receiver, s.
    pub dead_time: f64,
}

/// A tomography of the state.
#[derive(Debug, Clone)]
pub struct Tomography {
    /// The channels, in the order of the letters of a readout.
    pub channels: Vec<Receiving>,
    /// Hamiltonian during acquisition, rad/s.
    pub hamiltonian: Arc<Operator>,
    /// Deviation of the thermal state from the maximally mixed state, times the number of states; its strongest line is the reference.
    pub thermal: Operator,
    /// Signal-to-noise ratio of the reference in one scan; `None` for no noise.
    pub snr: Option<f64>,
    /// Number of points and dwell time of the decays, if amplitudes are fitted to decays.
    pub decay: Option<(usize, f64)>,
    /// Number of scans added per readout.
    pub scans: usize,
    /// Seed of the noise.
    pub seed: u64,
    /// Number of Monte Carlo repetitions of the noise.
    pub repetitions: usize,
    /// Keyword of the reconstruction method.
    pub method: Option<String>,
    /// The readouts, if given.
    pub readouts: Vec<String>,
    /// Energy of 1 rad/s in reported units.
    pub energy_scale: f64,
    /// Place of the statement in the source.
    pub place: Place,
}

/// Total duration of some steps.
pub fn duration(steps: &[Step]) -> f64 {
    steps
        .iter()
        .map(|s| match s {
            Step::Segment(segment) => segment.duration,
            Step::Acquire(acquire) => acquire.segment.duration,
            Step::Loop(count, body) => *count as f64 * duration(body),
            Step::Strobe(strobe) => strobe.runs.iter().map(|(times, body)| *times as f64 * duration(body)).sum(),
            Step::Project(project) => project.branches.first().map_or(0.0, |(_, steps)| duration(steps)),
            Step::Feedback(feedback) => feedback.driven().map_or(0.0, |step| duration(std::slice::from_ref(step))),
            Step::Kick(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Mark(_)
            | Step::Tomography(_) => 0.0,
        })
        .sum()
}

impl Schedule {
    /// The time from `prepare` to the end.
    pub fn duration(&self) -> f64 {
        duration(&self.steps)
    }

    /// Calls `visit` for every segment; segments in loops are visited once.
    pub fn segments<'a>(&'a self, visit: &mut dyn FnMut(&'a Segment)) {
        fn walk<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Segment)) {
            for step in steps {
                match step {
                    Step::Segment(segment) => visit(segment),
                    Step::Acquire(acquire) => visit(&acquire.segment),
                    Step::Loop(_, body) => walk(body, visit),
                    Step::Strobe(strobe) => strobe.runs.iter().for_each(|(_, body)| walk(body, visit)),
                    Step::Project(project) => project.branches.iter().for_each(|(_, steps)| walk(steps, visit)),
                    // The coefficients of driven segments have no values before the run.
                    Step::Feedback(_)
                    | Step::Kick(_)
                    | Step::Crush(_)
                    | Step::Dephase(..)
                    | Step::Reset(_)
                    | Step::Mark(_)
                    | Step::Tomography(_) => {}
                }
            }
        }
        walk(&self.steps, visit);
    }

    /// The tomography, if there is one.
    pub fn tomography(&self) -> Option<&Tomography> {
        self.steps.iter().find_map(|s| if let Step::Tomography(t) = s { Some(&**t) } else { None })
    }

    /// True if there is a tomography.
    pub fn is_read_out(&self) -> bool {
        self.tomography().is_some()
    }

    /// True if all steps are unitary, so that a pure state remains pure.
    pub fn is_unitary(&self) -> bool {
        self.steps.iter().all(Step::is_unitary)
    }
}

/// A sine or cosine without the rounding error of pi.
pub fn clean(x: f64) -> f64 {
    if x.abs() < 1e-15 {
        0.0
    } else if (x.abs() - 1.0).abs() < 1e-15 {
        x.signum()
    } else {
        x
    }
}
