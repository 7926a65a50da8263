//! Optimised pulse shapes on all channels at once.
//!
//! A long block is a loop of equal shapes, each of which makes the wanted evolution of its share of the time: errors of N equal shapes add
//! up to at most N^2 times the infidelity of one. The search starts from random shapes, of a fixed seed, and first minimises the mean
//! infidelity without an rf error and with errors of 3 % of either sign; then, as far as it is needed, that without an error.

use super::block::{Block, Element};
use super::descent::{Descent, Shaping};
use super::problem::{Answer, Candidate, Method, Refusal, Setting};
use super::propagate::Deviation;
use super::said;
use crate::diagnostic::Code;
use crate::linalg::{LinalgError, hermitian_eigen};
use crate::noise::Noise;
use std::f64::consts::TAU;

/// Largest dimension of the space.
const LARGEST: usize = 32;

/// Largest number of steps of a shape, of all channels together.
const MOST_STEPS: usize = 96;

/// Fewest steps of a shape.
const FEWEST_STEPS: usize = 40;

/// Relative rf error for which the shapes are made robust.
const RF_ERROR: f64 = 0.03;

/// Floating-point operations of a whole search, about: one or two minutes of a core.
const MOST_WORK: f64 = 3e11;

/// Pulse shapes on all channels.
pub struct Shapes;

/// A shape that repeats: number of repetitions, steps of one, duration of one, s.
struct Plan {
    cycles: u64,
    steps: usize,
    duration: f64,
}

impl Method for Shapes {
    fn name(&self) -> &'static str {
        "pulse shapes, by exact derivatives"
    }

    fn find(&self, setting: &Setting) -> Result<Answer, LinalgError> {
        let problem = setting.problem;
        let slowest = problem.channels.iter().filter_map(|c| c.rf).fold(f64::INFINITY, f64::min);
        let usable =
            slowest.is_finite() && setting.gate.nrows() <= LARGEST && (setting.is_hold() || !setting.is_idle());
        if problem.ideal || !usable {
            return Ok(Answer::NotMine);
        }
        let why = "the time for which the spins are to be kept";
        if let Some(refusal) = setting.in_time(problem.time, why).filter(|_| setting.is_hold()) {
            return Ok(Answer::Refused(refusal));
        }
        let mut best: Option<(Candidate, f64)> = None;
        let mut left = MOST_WORK;
        for duration in durations(setting, slowest) {
            let plan = planned(duration, slowest, problem.channels.len());
            let Some((candidate, fidelity)) = searched(setting, &plan, &mut left)? else { continue };
            if best.as_ref().is_none_or(|b| fidelity > b.1) {
                best = Some((candidate, fidelity));
            }
            if best.as_ref().is_some_and(|b| 1.0 - b.1 <= problem.infidelity) {
                break;
            }
        }
        // Below this the pulses make something else.
        const USABLE: f64 = 0.9;
        Ok(match best {
            Some((candidate, fidelity)) if fidelity > USABLE => Answer::Found(candidate),
            Some((_, fidelity)) => Answer::Refused(Refusal::new(
                Code::TooShort,
                format!(
                    "no pulse shapes were found that make this evolution: the best have 1 - F = {}",
                    said::infidelity(fidelity)
                ),
                "allow a longer duration, or use a larger rf",
            )),
            None => Answer::NotMine,
        })
    }
}

/// The durations to try, s, the shortest first.
fn durations(setting: &Setting, slowest: f64) -> Vec<f64> {
    let problem = setting.problem;
    if setting.is_hold() {
        return vec![problem.time];
    }
    if let Some(within) = problem.within {
        return vec![within];
    }
    // Rotations keep the norm of the couplings; 90 deg pulses need some time beside.
    let norm = |pairs: &[super::bilinear::Tensor]| -> f64 {
        pairs.iter().flatten().flatten().map(|x| x * x).sum::<f64>().sqrt()
    };
    let (wanted, internal) = (norm(&setting.wanted.pair), norm(&setting.internal.pair));
    let coupling = if internal > 0.0 { wanted / internal } else { 0.0 };
    let shortest = coupling + TAU / slowest;
    // Near the shortest duration a search is slow; where there is work for few searches, it would be all that is done.
    const SMALL: usize = 16;
    let factors: &[f64] = if setting.gate.nrows() <= SMALL { &[1.0, 1.5, 2.0, 4.0, 8.0] } else { &[2.0, 4.0, 8.0] };
    factors.iter().map(|factor| (factor * shortest * 1e9).ceil() / 1e9).collect()
}

/// Shapes of steps that are not longer than a 90 deg pulse.
fn planned(duration: f64, slowest: f64, channels: usize) -> Plan {
    let most = MOST_STEPS / channels.max(1);
    let quarter = 0.25 * TAU / slowest;
    let cycles = (duration / (quarter * most as f64) - 1e-9).ceil().max(1.0);
    let duration = (duration / cycles * 1e15).round() / 1e15;
    let steps = (2 * (duration / quarter).ceil() as usize).clamp(FEWEST_STEPS.min(most), most);
    Plan { cycles: cycles as u64, steps, duration }
}

/// The best shape that some starts lead to, with its fidelity.
fn searched(setting: &Setting, plan: &Plan, left: &mut f64) -> Result<Option<(Candidate, f64)>, LinalgError> {
    const STARTS: u64 = 3;
    const SIZE: f64 = 0.8;
    let problem = setting.problem;
    let gate = hermitian_eigen(&problem.wanted)?.propagator(problem.time / plan.cycles as f64);
    let shaping = Shaping {
        machine: &setting.machine,
        gate: &gate,
        step: plan.duration / plan.steps as f64,
        members: members(setting),
    };
    // 1 - F = 2 (d - |Tr W|)/d for each repetition; a third of what is allowed, since they may add up.
    let repeated = (plan.cycles * plan.cycles) as f64;
    let enough = problem.infidelity * gate.nrows() as f64 / (6.0 * repeated);
    let free = 2 * plan.steps * problem.channels.len();
    let mut best: Option<(Candidate, f64)> = None;
    for seed in 0..STARTS {
        if *left <= 0.0 {
            break;
        }
        let mut noise = Noise::new(seed, 21);
        let start: Vec<f64> = (0..free).map(|_| SIZE * noise.normal()).collect();
        let found = match problem.ensemble.is_empty() {
            true => descended(&shaping, &start, enough, left)?,
            false => robust(&shaping, &start, enough, left)?,
        };
        let shaped = Element::Shaped(plan.duration, shaping.polar(&found.free));
        let elements = match plan.cycles {
            1 => vec![shaped],
            n => vec![Element::Loop(n, vec![shaped])],
        };
        let block = Block { elements }.rounded();
        let fidelity = setting.score(&block)?;
        if best.as_ref().is_none_or(|b| fidelity > b.1) {
            best = Some((candidate(setting, plan, block, found.robust), fidelity));
        }
        if 1.0 - fidelity <= problem.infidelity {
            break;
        }
    }
    Ok(best)
}

/// The members that the shapes are made robust for: those of the ensemble, or errors of the rf of all channels.
fn members(setting: &Setting) -> Vec<Deviation> {
    let problem = setting.problem;
    if problem.ensemble.is_empty() {
        return [1.0, 1.0 - RF_ERROR, 1.0 + RF_ERROR].map(|x| Deviation::of_rf(x, problem.channels.len())).to_vec();
    }
    problem.ensemble.clone()
}

/// The shape with the least mean infidelity over the ensemble that a start leads to.
fn robust(shaping: &Shaping, start: &[f64], enough: f64, left: &mut f64) -> Result<Shape, LinalgError> {
    let work = shaping.work(start.len());
    let iterations = ((*left / work).max(0.0) as usize).min(200);
    let weights = shaping.members.iter().map(|m| m.weight).collect();
    let descent = Descent { weights, iterations, enough, of_all: true, falling: 0.97 };
    let ended = shaping.descend(start, &descent)?;
    *left -= work * ended.gradients as f64;
    Ok(Shape { free: ended.free, robust: true })
}

/// The free variables of a shape, and whether it was made robust.
struct Shape {
    free: Vec<f64>,
    robust: bool,
}

/// Robust first, then as exact as is needed; if that does not suffice, from the start again without regard to errors. Robust shapes may
/// lie at the end of a narrow valley, where the exact ones are far.
fn descended(shaping: &Shaping, start: &[f64], enough: f64, left: &mut f64) -> Result<Shape, LinalgError> {
    const STAGES: [(f64, f64); 3] = [(1.0, 0.97), (1e-3, 0.97), (0.0, 0.5)];
    let work = shaping.work(start.len());
    let mut descend = |from: &[f64], errors: f64, enough: f64, falling: f64| -> Result<(Vec<f64>, f64), LinalgError> {
        let iterations = ((*left / work).max(0.0) as usize).min(100);
        let ended = shaping.descend(
            from,
            &Descent { weights: vec![1.0, errors, errors], iterations, enough, of_all: false, falling },
        )?;
        *left -= work * ended.gradients as f64;
        Ok((ended.free, ended.costs.first().copied().unwrap_or(f64::INFINITY)))
    };
    let mut at = (start.to_vec(), f64::INFINITY);
    for (k, (errors, falling)) in STAGES.into_iter().enumerate() {
        at = descend(&at.0, errors, if k == 0 { 0.0 } else { enough }, falling)?;
        if k > 0 && at.1 <= enough {
            return Ok(Shape { free: at.0, robust: true });
        }
    }
    let exact = descend(start, 0.0, enough, 0.9)?;
    Ok(match exact.1 < at.1 {
        true => Shape { free: exact.0, robust: false },
        false => Shape { free: at.0, robust: true },
    })
}

fn candidate(setting: &Setting, plan: &Plan, block: Block, robust: bool) -> Candidate {
    let channels = setting.problem.channels.len();
    let on = if channels == 1 { String::new() } else { format!(" on each of {channels} channels") };
    let notes = vec![
        format!("a shape of {} steps of {}{on}", plan.steps, said::time(plan.duration / plan.steps as f64)),
        match robust {
            true if !setting.problem.ensemble.is_empty() => {
                "the mean infidelity over the ensemble was minimised".into()
            }
            true => format!("the mean infidelity with rf errors of 0 and +-{} % was minimised first", 100.0 * RF_ERROR),
            false => "rf errors were not taken into account: the fidelity is not reached otherwise".into(),
        },
    ];
    let cycles = (plan.cycles > 1).then_some(plan.cycles);
    Candidate { block, perfect: None, cycles, least: (0.0, ""), notes }
}
