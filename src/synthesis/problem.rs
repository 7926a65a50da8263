//! The problem: what is wanted of which spins, what a method answers, and what all methods need.

use super::bilinear::Bilinear;
use super::block::{Block, Transmitter};
use super::propagate::{Deviation, How, Machine, fidelity};
use super::{reach, said};
use crate::diagnostic::Code;
use crate::linalg::{LinalgError, Matrix, hermitian_eigen};
use crate::spin::Basis;
use std::f64::consts::TAU;

/// The largest number of spins.
pub const MOST_SPINS: usize = 8;

/// What is wanted, of which spins.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The spins 1/2.
    pub basis: Basis,
    /// Their names.
    pub names: Vec<String>,
    /// The channels that rotate them.
    pub channels: Vec<Transmitter>,
    /// The internal Hamiltonian, rad/s.
    pub internal: Matrix,
    /// The wanted Hamiltonian, rad/s; if it is zero, the spins are to be as before after its time.
    pub wanted: Matrix,
    /// Its time, s.
    pub time: f64,
    /// The largest allowed `1 - F`.
    pub infidelity: f64,
    /// The longest allowed duration of the block, s.
    pub within: Option<f64>,
    /// The offset at which the robustness is stated, rad/s.
    pub offset: f64,
    /// Instantaneous pulses.
    pub ideal: bool,
    /// The ensemble over which the mean fidelity counts; empty for perfect spins and pulses.
    pub ensemble: Vec<Deviation>,
}

/// Why there is no block.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The code of the diagnostic.
    pub code: Code,
    /// A sentence.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl Refusal {
    /// With a code, a sentence and the next step.
    pub fn new(code: Code, message: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal { code, message: message.into(), help: help.into() }
    }
}

impl From<LinalgError> for Refusal {
    fn from(e: LinalgError) -> Refusal {
        Refusal::new(Code::NotConverged, format!("the propagator of the pulses cannot be computed: {e}"), "")
    }
}

/// A problem with what all methods need.
pub struct Setting<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// The channel of every spin.
    pub channel: Vec<Option<usize>>,
    /// The internal Hamiltonian.
    pub internal: Bilinear,
    /// The wanted Hamiltonian times its time, rad, without terms of three and more spins.
    pub wanted: Bilinear,
    /// The share of terms of three and more spins in the wanted Hamiltonian.
    pub many: f64,
    /// `exp(-i H T)`.
    pub gate: Matrix,
    /// Propagators of blocks.
    pub machine: Machine<'a>,
}

/// A block that a method found.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The block to write.
    pub block: Block,
    /// The fidelity of the sequence of ideal pulses that the block comes from, with those, if it comes from one.
    pub perfect: Option<f64>,
    /// Number of cycles, if there are any.
    pub cycles: Option<u64>,
    /// The shortest time of free evolution with which it can be made, s, and how this is known; 0 if no such time is known.
    pub least: (f64, &'static str),
    /// What holds of it, sentences without a full stop.
    pub notes: Vec<String>,
}

/// What a method says to a problem.
pub enum Answer {
    /// It is not made for such problems.
    NotMine,
    /// A block.
    Found(Candidate),
    /// There is none, with the proof.
    Refused(Refusal),
}

/// A way to find pulses.
pub trait Method {
    /// Its name in the output.
    fn name(&self) -> &'static str;
    /// Tries it.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    fn find(&self, setting: &Setting) -> Result<Answer, LinalgError>;
}

impl<'a> Setting<'a> {
    /// Checks a problem and prepares what all methods need.
    ///
    /// # Errors
    /// If it has too many spins, pulses without an rf, or couplings that are not secular.
    pub fn new(problem: &'a Problem) -> Result<Setting<'a>, Refusal> {
        let n = problem.names.len();
        if n > MOST_SPINS {
            return Err(Refusal::new(
                Code::OverBudget,
                format!("pulses are computed for at most {MOST_SPINS} spins, this system has {n}"),
                "leave out spins that take no part",
            ));
        }
        for c in &problem.channels {
            let absent = problem.ideal || c.rf.is_some_and(|rf| rf > 0.0 && rf.is_finite());
            if !absent {
                let rf = c.rf.map_or("no rf".into(), |rf| format!("rf = {} Hz", rf / TAU));
                return Err(Refusal::new(
                    Code::NoPulses,
                    format!("pulses of finite length cannot be made with {rf} on channel {}", c.nucleus),
                    "give the nutation frequency, `--rf \"100 kHz\"` or `rf` of the channel, or ask for ideal pulses",
                ));
            }
        }
        let mut channel = vec![None; n];
        for (c, t) in problem.channels.iter().enumerate() {
            t.spins.iter().for_each(|s| channel[*s] = Some(c));
        }
        let (internal, rest) = Bilinear::of(&problem.internal, n);
        // A difference of squares: rounding alone leaves some 1e-8.
        if rest > 1e-7 || !internal.is_secular(&channel) {
            return Err(Refusal::new(
                Code::NotEmulated,
                "the internal Hamiltonian must consist of offsets and couplings of pairs that commute with Iz of every nucleus",
                "pulses for other Hamiltonians are not computed yet",
            ));
        }
        let (wanted, many) = match problem.wanted.norm() {
            0.0 => (Bilinear::zero(n), 0.0),
            _ => Bilinear::of(&problem.wanted, n),
        };
        let gate = hermitian_eigen(&problem.wanted)?.propagator(problem.time);
        let machine = Machine::new(&problem.basis, &problem.channels, problem.internal.clone());
        let wanted = Bilinear::zero(n).plus(problem.time, &wanted);
        Ok(Setting { problem, channel, internal, wanted, many, gate, machine })
    }

    /// True if the wanted Hamiltonian is zero: the block lasts the whole time, and undoes what the internal Hamiltonian does in it.
    pub fn is_hold(&self) -> bool {
        self.problem.wanted.norm() == 0.0
    }

    /// True if nothing has to be done: the gate is a phase.
    pub fn is_idle(&self) -> bool {
        1.0 - fidelity(&self.gate, &Matrix::identity(self.gate.nrows(), self.gate.nrows())) < 1e-14
    }

    /// The proofs that need no search.
    ///
    /// # Errors
    /// If a symmetry or the Lie algebra of the controls forbids the wanted evolution.
    pub fn is_reachable(&self) -> Result<(), Refusal> {
        let g = reach::Generators { internal: &self.internal, channel: &self.channel, names: &self.problem.names };
        let symmetric = reach::broken_symmetry(&g, &self.problem.wanted, &self.gate);
        let proof = symmetric.or_else(|| {
            let small = self.gate.nrows() <= reach::LARGEST_ALGEBRA && !self.is_idle();
            small.then(|| reach::outside_algebra(&g, self.problem.channels.len(), &self.problem.wanted)).flatten()
        });
        match proof {
            None => Ok(()),
            Some(proof) => Err(Refusal::new(
                Code::Unreachable,
                format!("no pulses make this Hamiltonian: {proof}"),
                "spins that are rotated apart, by different channels or by their offsets, have fewer symmetries",
            )),
        }
    }

    /// The fidelity of a block.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn fidelity(&self, block: &Block, how: How) -> Result<f64, LinalgError> {
        Ok(fidelity(&self.machine.propagator(block, how)?, &self.gate))
    }

    /// The mean fidelity of a block over the ensemble; without one, that of perfect spins and pulses.
    ///
    /// # Errors
    /// If an eigenvalue problem fails.
    pub fn score(&self, block: &Block) -> Result<f64, LinalgError> {
        let how = How::perfect(self.problem.ideal);
        if self.problem.ensemble.is_empty() {
            return self.fidelity(block, how);
        }
        let mut mean = 0.0;
        for member in &self.problem.ensemble {
            mean += member.weight * self.fidelity(block, How { member: Some(member), ..how })?;
        }
        Ok(mean)
    }

    /// The channels whose offset differs between members.
    pub fn offset_channels(&self) -> Vec<bool> {
        let channels = 0..self.problem.channels.len();
        channels.map(|c| self.problem.ensemble.iter().any(|m| m.offset[c] != 0.0)).collect()
    }

    /// An error if the shortest time is longer than allowed.
    pub fn in_time(&self, least: f64, why: &str) -> Option<Refusal> {
        let within = self.problem.within.filter(|within| least > within * (1.0 + 1e-9))?;
        let (needed, given) = (said::time(least), said::time(within));
        Some(Refusal::new(
            Code::TooShort,
            format!("{given} are too short: this needs at least {needed}, {why}"),
            "allow a longer duration, or ask for a shorter time or a weaker Hamiltonian",
        ))
    }
}
