//! The generator of motion at a moment, as seen by metrics: for a single state, or for the members of an ensemble.

use super::generator::Generator;
use crate::hamiltonian::Segment;
use crate::linalg::{Matrix, real};
use crate::metrics::{LARGEST_MATRIX, Motion, NoHeat, NoPropagator, Process, Rate, Undefined};
use crate::spin::{Operator, Space, State};
use std::borrow::Cow;
use std::cell::OnceCell;

/// Matrices that differ by less than this fraction of the largest element represent the same Hamiltonian.
const SAME_HAMILTONIAN: f64 = 1e-12;

/// A segment acting on a member, with its generator, which is built on first use.
pub struct ActingSegment<'a> {
    segment: Cow<'a, Segment>,
    space: &'a Space,
    generator: OnceCell<Generator>,
}

impl<'a> ActingSegment<'a> {
    /// A segment on a space.
    pub fn new(segment: &'a Segment, space: &'a Space) -> ActingSegment<'a> {
        ActingSegment { segment: Cow::Borrowed(segment), space, generator: OnceCell::new() }
    }

    /// A segment that was made while the sequence runs.
    pub fn owned(segment: Segment, space: &'a Space) -> ActingSegment<'a> {
        ActingSegment { segment: Cow::Owned(segment), space, generator: OnceCell::new() }
    }

    /// Duration of the segment.
    pub fn duration(&self) -> f64 {
        self.segment.duration
    }

    /// Its generator, built on first use.
    pub fn generator(&self) -> &Generator {
        self.generator.get_or_init(|| Generator::of(&self.segment, self.space))
    }
}

/// A generator at a moment.
pub struct GeneratorAt<'a> {
    /// The generator.
    pub generator: &'a Generator,
    /// Time since the start of the segment.
    pub time: f64,
}

impl Motion for GeneratorAt<'_> {
    fn hamiltonian(&self) -> Result<Operator, Undefined> {
        let terms = self.generator.whole_system().iter();
        let now = terms.map(|(c, operator)| (**operator).clone().times_number(real(c.at(self.time))));
        let nothing = || Undefined::Domain("no Hamiltonian acts at this time".into());
        now.reduce(|sum, term| sum.plus(term)).ok_or_else(nothing)
    }

    fn rate(&self, state: &State) -> Rate {
        self.generator.rate(self.time, state)
    }

    fn is_unitary(&self) -> bool {
        self.generator.is_closed()
    }

    fn constant_since(&self) -> Result<f64, Undefined> {
        if !self.generator.is_closed() {
            return Err(Undefined::Domain("the state relaxes, but the bound holds for unitary evolution".into()));
        }
        if !self.generator.is_constant() {
            return Err(Undefined::Domain("the Hamiltonian of this statement is time-dependent".into()));
        }
        Ok(self.time)
    }
}

/// The heat of one member from `prepare` on, rad/s, or why it is not known.
pub type Heat = Result<f64, NoHeat>;

/// The heats of one member: with the battery as declared, and with the member's own.
#[derive(Debug, Clone, Copy)]
pub struct Heats {
    /// With the Hamiltonian of the battery as declared.
    pub declared: Heat,
    /// With the Hamiltonian that the battery has in this member.
    pub own: Heat,
}

impl Heats {
    /// No heat is known.
    pub fn none(why: NoHeat) -> Heats {
        Heats { declared: Err(why), own: Err(why) }
    }
}

/// A member of an ensemble at a moment.
#[derive(Clone, Copy)]
pub struct MemberAt<'a> {
    /// The acting segment and the time since its start; `None` if nothing acts.
    pub acting: Option<(&'a ActingSegment<'a>, f64)>,
    /// Its state.
    pub state: &'a State,
    /// Its weight; the weights of an ensemble add up to 1.
    pub weight: f64,
    /// Time since `prepare`.
    pub elapsed: f64,
    /// Its propagator from `prepare` on.
    pub propagator: Result<&'a Process, NoPropagator>,
    /// Its heat from `prepare` on.
    pub heats: Heats,
}

/// The propagator of some members: that of the only one.
pub fn propagator_of<'a>(members: &[MemberAt<'a>]) -> Result<&'a Process, NoPropagator> {
    match members {
        [member] => member.propagator,
        _ => Err(NoPropagator::Members),
    }
}

/// The mean heat of some members.
pub fn heat_of(members: &[MemberAt], which: impl Fn(&Heats) -> Heat) -> Heat {
    members.iter().try_fold(0.0, |sum, member| Ok(sum + member.weight * which(&member.heats)?))
}

impl MemberAt<'_> {
    fn generator(&self) -> Option<GeneratorAt<'_>> {
        self.acting.map(|(segment, time)| GeneratorAt { generator: segment.generator(), time })
    }

    /// `d rho/dt` of this member; `None` if nothing acts.
    fn rate_of_density(&self) -> Option<Matrix> {
        let at = self.generator()?;
        Some(match (at.rate(self.state), self.state) {
            (Rate::Mixed(rate), _) => rate,
            (Rate::Pure(v), State::Pure(psi)) => {
                let half = &v * psi.adjoint();
                &half + half.adjoint()
            }
            (Rate::Pure(_), State::Mixed(rho)) => at.generator.rate_of_density(at.time, rho),
        })
    }
}

/// The members of an ensemble at a moment.
pub struct EnsembleMotion<'a> {
    members: Vec<MemberAt<'a>>,
}

impl<'a> EnsembleMotion<'a> {
    /// From some members; `None` if nothing acts on any of them.
    pub fn of(members: Vec<MemberAt<'a>>) -> Option<EnsembleMotion<'a>> {
        members.iter().any(|m| m.acting.is_some()).then_some(EnsembleMotion { members })
    }
}

impl Motion for EnsembleMotion<'_> {
    /// The common Hamiltonian of all members, if there is one.
    fn hamiltonian(&self) -> Result<Operator, Undefined> {
        if let [member] = self.members.as_slice() {
            return member.generator().ok_or_else(several)?.hamiltonian();
        }
        let mut common: Option<(Operator, Matrix)> = None;
        for member in &self.members {
            let operator = member.generator().ok_or_else(several)?.hamiltonian()?;
            let n = operator.dimension();
            if n > LARGEST_MATRIX {
                return Err(Undefined::Domain(format!("a Hamiltonian of {n} states is too large for a matrix")));
            }
            let own = operator.matrix();
            match &common {
                Some((_, first)) => {
                    let size = first.iter().map(|x| x.norm()).fold(0.0, f64::max);
                    if (first - &own).iter().any(|x| x.norm() > SAME_HAMILTONIAN * size) {
                        return Err(several());
                    }
                }
                None => common = Some((operator, own)),
            }
        }
        common.map(|(operator, _)| operator).ok_or_else(several)
    }

    /// Time derivative of the mean state: the mean of the members' derivatives.
    fn rate(&self, state: &State) -> Rate {
        if let [member] = self.members.as_slice()
            && let Some(at) = member.generator()
        {
            return at.rate(state);
        }
        let n = state.dimension();
        let mut sum = Matrix::zeros(n, n);
        for member in &self.members {
            if let Some(rate) = member.rate_of_density() {
                sum += rate * real(member.weight);
            }
        }
        Rate::Mixed(sum)
    }

    /// True if the mean state evolves unitarily. With different Hamiltonians of the members, its eigenvalues change.
    fn is_unitary(&self) -> bool {
        let unitary = self.members.iter().all(|m| m.generator().is_some_and(|g| g.is_unitary()));
        unitary && (self.members.len() == 1 || self.hamiltonian().is_ok())
    }

    fn constant_since(&self) -> Result<f64, Undefined> {
        let mut since: Option<f64> = None;
        for member in &self.members {
            let own = member.generator().ok_or_else(several)?.constant_since()?;
            if since.is_some_and(|t| !same_time(t, own)) {
                return Err(several());
            }
            since = Some(since.unwrap_or(own));
        }
        since.ok_or_else(several)
    }
}

/// The motion of the mean of members propagated in batches: only the time derivative of the mean is known.
pub struct MeanMotion {
    /// `d rho/dt` of the mean state.
    pub rate: Matrix,
}

impl Motion for MeanMotion {
    fn hamiltonian(&self) -> Result<Operator, Undefined> {
        Err(several())
    }

    fn rate(&self, _: &State) -> Rate {
        Rate::Mixed(self.rate.clone())
    }

    fn is_unitary(&self) -> bool {
        false
    }

    fn constant_since(&self) -> Result<f64, Undefined> {
        Err(several())
    }
}

fn several() -> Undefined {
    Undefined::Domain(
        "the ensemble members have different Hamiltonians; `member_mean` averages their individual values".into(),
    )
}

/// True if two times are equal up to the rounding of sums of durations.
pub fn same_time(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

/// Time at which the members reach a moment: the weighted mean, and the common time, or `None` if the times differ.
pub fn arrival(times: impl Iterator<Item = f64> + Clone, weights: &[f64]) -> (f64, Option<f64>) {
    let first = times.clone().next().unwrap_or(0.0);
    if times.clone().all(|t| same_time(t, first)) {
        return (first, Some(first));
    }
    (times.zip(weights).map(|(t, w)| t * w).sum(), None)
}

/// The mean of the members' states, `sum_m w_m rho_m`.
pub fn mean_state<'s>(members: impl Iterator<Item = (f64, &'s State)>) -> Cow<'s, State> {
    let members: Vec<(f64, &State)> = members.collect();
    // A single state may be a vector whose density matrix would not fit into memory.
    let (_, first) = match members.as_slice() {
        [] => return Cow::Owned(State::Mixed(Matrix::zeros(1, 1))),
        [(_, one)] => return Cow::Borrowed(one),
        [first, ..] => *first,
    };
    let n = first.dimension();
    let mut sum = Matrix::zeros(n, n);
    for (w, state) in members {
        match state {
            State::Mixed(rho) => sum.zip_apply(rho, |x, y| *x += y * w),
            State::Pure(_) => sum += state.density().map(|x| x * w),
        }
    }
    Cow::Owned(State::Mixed(sum))
}
