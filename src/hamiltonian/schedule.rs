//! The experiment at one point of the parameters: what acts, when, and how strongly. Edges are known; between two of them the
//! Hamiltonian is a sum of operators with coefficients that are constant or smooth.

use crate::ir::State;
use crate::linalg::real;
use crate::source::Place;
use crate::spin::{Basis, Operator};
use crate::waveform::Scalar;
use std::ops::Range;
use std::sync::Arc;

/// Everything that is done, in order.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The basis.
    pub basis: Arc<Basis>,
    /// The states whose product is prepared.
    pub prepare: Vec<State>,
    /// Where `prepare` stands.
    pub prepare_place: Place,
    /// What follows.
    pub steps: Vec<Step>,
    /// How many of the steps there are behind each event of the sequence.
    pub event_ends: Vec<usize>,
    /// The battery.
    pub battery: Option<Battery>,
}

/// The battery: its subsystems and its Hamiltonian on the whole space, rad/s.
#[derive(Debug, Clone)]
pub struct Battery {
    /// The numbers of the subsystems, ascending as declared.
    pub sites: Vec<usize>,
    /// On the whole space.
    pub hamiltonian: Operator,
    /// Where it is declared.
    pub place: Place,
}

/// One step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Evolution that takes time.
    Segment(Segment),
    /// A pulse of no duration.
    Kick(Kick),
    /// Coherences vanish: all that a gradient moves, or, where total orders are listed, those of other orders.
    Crush(Vec<i64>),
    /// What does not commute with the operator vanishes.
    Dephase(Operator, Place),
    /// A moment at which metrics are evaluated.
    Mark(String),
    /// A free induction decay.
    Acquire(Acquire),
    /// A readout of the state.
    Tomography(Tomography),
    /// Repetition: a loop stays a loop.
    Loop(u64, Vec<Step>),
}

/// Evolution between two edges.
#[derive(Debug, Clone)]
pub struct Segment {
    /// How long: seconds, or natural time.
    pub duration: f64,
    /// `H(t) = sum c(t) A` without the transmitters, rad/s, t since the segment began.
    pub drift: Vec<Term>,
    /// The fields of the transmitters, which are added to it.
    pub controls: Vec<Control>,
    /// The time after which the Hamiltonian repeats itself, where it changes and does.
    pub period: Option<f64>,
    /// What relaxes the state.
    pub relaxing: Arc<Relaxing>,
    /// Samples to take.
    pub record: Option<Record>,
    /// Where the statement stands.
    pub place: Place,
}

/// A coefficient in rad/s over the time since its segment began, and its operator.
pub type Term = (Scalar, Arc<Operator>);

/// The field of a transmitter.
#[derive(Debug, Clone)]
pub struct Control {
    /// Its terms in the Hamiltonian; none where the field vanishes.
    pub terms: Vec<Term>,
    /// The shape of a file that its strength and phase follow.
    pub shape: Option<ShapeUse>,
}

/// A field that follows a pulse shape of a file.
#[derive(Debug, Clone)]
pub struct ShapeUse {
    /// The number of the shape in the experiment.
    pub shape: usize,
    /// How the field depends on the steps; `None` where it is not linear in them, or changes within a step.
    pub steps: Option<ShapeSteps>,
}

/// Steps of a shape that follow each other, equally long, from the beginning of a segment to its end. In a step of amplitude a and
/// phase phi the field is `a cos(phi) X + a sin(phi) Y`.
#[derive(Debug, Clone)]
pub struct ShapeSteps {
    /// Their numbers, from zero.
    pub numbers: Range<usize>,
    /// X, rad/s; of an ideal pulse, radian.
    pub x: Arc<Operator>,
    /// Y, likewise.
    pub y: Arc<Operator>,
}

/// What relaxes a state.
#[derive(Debug, Clone, Default)]
pub struct Relaxing {
    /// Lindblad operators, rates folded in.
    pub collapse: Vec<Operator>,
    /// What else the order in the dipolar couplings loses, where its lifetime is given.
    pub order: Option<OrderDecay>,
}

/// `d rho/dt = -Tr[G rho] H`: the mean of H decays at `Tr[H^2] Tr[G rho]`, and nothing else of the state hears of it.
#[derive(Debug, Clone)]
pub struct OrderDecay {
    /// H.
    pub hamiltonian: Operator,
    /// G.
    pub lost: Operator,
}

impl Relaxing {
    /// Whether nothing relaxes.
    pub fn is_empty(&self) -> bool {
        self.collapse.is_empty() && self.order.is_none()
    }
}

impl Segment {
    /// `H(t) = sum c(t) A`, those of the drift first.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.drift.iter().chain(self.fields())
    }

    /// The terms of the transmitters.
    pub fn fields(&self) -> impl Iterator<Item = &Term> {
        self.controls.iter().flat_map(|control| &control.terms)
    }
}

impl Step {
    /// Whether it moves states by unitaries alone; a tomography leaves the state as it is.
    pub fn is_unitary(&self) -> bool {
        match self {
            Step::Segment(segment) => segment.relaxing.is_empty(),
            Step::Acquire(acquire) => acquire.segment.relaxing.is_empty(),
            Step::Kick(_) | Step::Mark(_) | Step::Tomography(_) => true,
            Step::Crush(_) | Step::Dephase(..) => false,
            Step::Loop(_, body) => body.iter().all(Step::is_unitary),
        }
    }
}

/// Samples to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How many.
    pub points: usize,
    /// The trace's name.
    pub name: String,
}

/// An ideal pulse: `exp(-i angle (Fx cos phase + Fy sin phase))`.
#[derive(Debug, Clone)]
pub struct Kick {
    /// Fx of the channel.
    pub x: Arc<Operator>,
    /// Fy of the channel.
    pub y: Arc<Operator>,
    /// The flip angle, radian.
    pub angle: Scalar,
    /// The phase, radian.
    pub phase: f64,
    /// Whether it is the transient at an edge of a finite pulse, not an ideal pulse.
    pub transient: bool,
    /// The shape whose first or last step a transient follows.
    pub shape: Option<ShapeUse>,
    /// Where the statement stands.
    pub place: Place,
}

/// A free induction decay: `Tr[rho F+] exp(-i phase)` at evenly spaced times.
#[derive(Debug, Clone)]
pub struct Acquire {
    /// Of which nucleus.
    pub nucleus: String,
    /// How many points.
    pub points: usize,
    /// The time between two.
    pub dwell: f64,
    /// The phase of the receiver, radian.
    pub receiver: f64,
    /// Points before this time are not seen.
    pub dead_time: f64,
    /// F+ of the nucleus.
    pub raising: Arc<Operator>,
    /// The standard deviation of the noise in each part, as a share of the largest point, and its seed.
    pub noise: Option<(f64, u64)>,
    /// What acts meanwhile.
    pub segment: Segment,
}

impl Kick {
    /// The same rotation as an evolution for a unit of time.
    pub fn as_segment(&self) -> Segment {
        let terms = vec![(self.angle.clone(), Arc::new(self.generator()))];
        Segment {
            duration: 1.0,
            drift: vec![],
            controls: vec![Control { terms, shape: self.shape.clone() }],
            period: None,
            relaxing: Arc::default(),
            record: None,
            place: self.place,
        }
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
    /// Whether its signal is detected.
    pub detected: bool,
    /// The width of its lines, rad/s: nearer ones are one.
    pub width: f64,
    /// How long it is deaf, s.
    pub dead_time: f64,
}

/// A readout of the state.
#[derive(Debug, Clone)]
pub struct Tomography {
    /// The channels, in the order of the letters of a readout.
    pub channels: Vec<Receiving>,
    /// What acts during acquisition, rad/s.
    pub hamiltonian: Arc<Operator>,
    /// The deviation of the thermal state from the maximally mixed state, times the number of states, whose strongest line is the reference.
    pub thermal: Operator,
    /// Signal to noise of the reference in one scan; no noise when not given.
    pub snr: Option<f64>,
    /// Number of points and time between them of the decays, where amplitudes are fitted to such.
    pub decay: Option<(usize, f64)>,
    /// How many scans of every readout are added.
    pub scans: usize,
    /// Of the noise.
    pub seed: u64,
    /// How often noise is tried out.
    pub repetitions: usize,
    /// The word of the method.
    pub method: Option<String>,
    /// The readouts, where they are given.
    pub readouts: Vec<String>,
    /// What an energy of 1 rad/s is reported as.
    pub energy_scale: f64,
    /// Where the statement stands.
    pub place: Place,
}

/// How long steps take.
pub fn duration(steps: &[Step]) -> f64 {
    steps
        .iter()
        .map(|s| match s {
            Step::Segment(segment) => segment.duration,
            Step::Acquire(acquire) => acquire.segment.duration,
            Step::Loop(count, body) => *count as f64 * duration(body),
            Step::Kick(_) | Step::Crush(_) | Step::Dephase(..) | Step::Mark(_) | Step::Tomography(_) => 0.0,
        })
        .sum()
}

impl Schedule {
    /// The time from `prepare` to the end.
    pub fn duration(&self) -> f64 {
        duration(&self.steps)
    }

    /// Calls `visit` for every segment, those of loops once.
    pub fn segments<'a>(&'a self, visit: &mut dyn FnMut(&'a Segment)) {
        fn walk<'a>(steps: &'a [Step], visit: &mut dyn FnMut(&'a Segment)) {
            for step in steps {
                match step {
                    Step::Segment(segment) => visit(segment),
                    Step::Acquire(acquire) => visit(&acquire.segment),
                    Step::Loop(_, body) => walk(body, visit),
                    Step::Kick(_) | Step::Crush(_) | Step::Dephase(..) | Step::Mark(_) | Step::Tomography(_) => {}
                }
            }
        }
        walk(&self.steps, visit);
    }

    /// The readout of the state, where there is one.
    pub fn tomography(&self) -> Option<&Tomography> {
        self.steps.iter().find_map(|s| if let Step::Tomography(t) = s { Some(t) } else { None })
    }

    /// Whether the state is read out.
    pub fn is_read_out(&self) -> bool {
        self.tomography().is_some()
    }

    /// Whether no step mixes a pure state.
    pub fn is_unitary(&self) -> bool {
        self.steps.iter().all(Step::is_unitary)
    }
}

/// A sine or cosine without the rounding of pi.
pub fn clean(x: f64) -> f64 {
    if x.abs() < 1e-15 {
        0.0
    } else if (x.abs() - 1.0).abs() < 1e-15 {
        x.signum()
    } else {
        x
    }
}
