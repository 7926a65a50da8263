//! Tries the methods, and describes what they find.

use super::methods::{Frames, Pair};
use super::problem::{Answer, Candidate, Method, Problem, Refusal, Setting};
use super::propagate::How;
use super::said;
use super::shaped::Shapes;
use crate::diagnostic::Code;

/// The methods, the cheapest first.
pub const METHODS: &[&dyn Method] = &[&Pair, &Frames, &Shapes];

/// The block with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Synthesis {
    /// The name of the method.
    pub method: &'static str,
    /// The block, as it was found.
    pub found: Candidate,
    /// Total duration, s.
    pub duration: f64,
    /// Time of free evolution, s.
    pub free: f64,
    /// Number of pulses.
    pub pulses: u64,
    /// The fidelity of the block as it is written: `|Tr[exp(i H T) U]|^2/d^2`.
    pub fidelity: f64,
    /// The same with an error of the rf by 1 % and by 3 %, and with the offset.
    pub robustness: [f64; 3],
    /// The mean fidelity over the ensemble, if there is one.
    pub mean: Option<f64>,
    /// False if the fidelity, or its mean over the ensemble, is below the one asked for.
    pub reached: bool,
}

impl Synthesis {
    /// The fidelity that counts: the mean over the ensemble, if there is one.
    pub fn score(&self) -> f64 {
        self.mean.unwrap_or(self.fidelity)
    }
}

/// Finds the pulses with the methods of this module.
///
/// # Errors
/// If the problem has no solution, with the proof, or its limits leave none.
pub fn synthesise(problem: &Problem) -> Result<Synthesis, Refusal> {
    synthesise_with(problem, METHODS)
}

/// Finds the pulses with the first method that reaches the fidelity, or with the best one.
///
/// # Errors
/// Those of [`synthesise`].
pub fn synthesise_with(problem: &Problem, methods: &[&dyn Method]) -> Result<Synthesis, Refusal> {
    let setting = Setting::new(problem)?;
    setting.is_reachable()?;
    let mut best: Option<Synthesis> = None;
    let mut refused: Option<Refusal> = None;
    for method in methods {
        match method.find(&setting)? {
            Answer::NotMine => {}
            Answer::Refused(why) => refused = refused.or(Some(why)),
            Answer::Found(candidate) => {
                let found = match described(&setting, method.name(), candidate) {
                    Ok(found) => found,
                    Err(why) => {
                        refused = refused.or(Some(why));
                        continue;
                    }
                };
                if best.as_ref().is_none_or(|b| found.score() > b.score()) {
                    best = Some(found);
                }
                if best.as_ref().is_some_and(|b| b.reached) {
                    break;
                }
            }
        }
    }
    let nothing = || match setting.is_hold() && problem.ideal {
        true => Refusal::new(
            Code::NotEmulated,
            "a Hamiltonian that is zero, which the spins are to keep for some time, is made by pulses of finite length alone",
            "leave out `--ideal`, and give the nutation frequency, `--rf \"100 kHz\"`",
        ),
        false => Refusal::new(Code::Unreachable, "no method of this version finds pulses for this", ""),
    };
    best.ok_or_else(|| refused.unwrap_or_else(nothing))
}

fn described(setting: &Setting, method: &'static str, mut found: Candidate) -> Result<Synthesis, Refusal> {
    let problem = setting.problem;
    found.block = found.block.rounded();
    let how = How::perfect(problem.ideal);
    let fidelity = setting.fidelity(&found.block, how)?;
    let duration = found.block.duration(&problem.channels, problem.ideal);
    if problem.within.is_some_and(|within| duration > within * (1.0 + 1e-9)) {
        let (least, why) = found.least;
        return Err(Refusal::new(
            Code::TooShort,
            format!(
                "the pulses found last {}, longer than the allowed {}{}",
                said::time(duration),
                said::time(problem.within.unwrap_or_default()),
                match least > 0.0 {
                    true => format!("; free evolution alone needs at least {}: {why}", said::time(least)),
                    false => String::new(),
                }
            ),
            "allow a longer duration, or use a larger rf",
        ));
    }
    let mean = (!problem.ensemble.is_empty()).then(|| setting.score(&found.block)).transpose()?;
    let robustness = [
        setting.fidelity(&found.block, How { rf: 1.01, ..how })?,
        setting.fidelity(&found.block, How { rf: 1.03, ..how })?,
        setting.fidelity(&found.block, How { offset: problem.offset, ..how })?,
    ];
    Ok(Synthesis {
        method,
        duration,
        free: found.block.free_time(),
        pulses: found.block.count(),
        fidelity,
        robustness,
        mean,
        reached: 1.0 - mean.unwrap_or(fidelity) <= problem.infidelity,
        found,
    })
}
