//! Estimates the time of runs that may take hours: density matrices with relaxation that are too large for a Liouvillian and are
//! integrated in small steps.

use super::engines::liouville::Liouville;
use super::generator::Generator;
use super::plan::segments;
use super::sectors;
use super::settings::Options;
use crate::hamiltonian::{Evaluator, Fault, Values, build, members, prepare};
use crate::ir::Experiment;

/// Seconds of one core for each element of a product of two matrices, radian of phase and term of the equation of motion. Measured with
/// Dop853 at the default tolerance: 64 and 144 states, two collapse operators, 0.4 s and 5 s for phases of 14 and 23 rad. Other runs
/// differ by a factor of a few.
const SECONDS: f64 = 3e-8;

/// A run that integrates large density matrices: its number of states, and about how many seconds of one core it takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Work {
    /// Number of states.
    pub states: usize,
    /// Seconds of one core.
    pub seconds: f64,
}

/// The work of a run at one parameter point; `None` where no large density matrix is integrated with relaxation.
///
/// # Errors
/// If the schedule or the initial state cannot be built, or the state does not fit.
pub fn work(experiment: &Experiment, values: &Values, options: &Options) -> Result<Option<Work>, Fault> {
    let e = Evaluator::new(experiment, values)?;
    // Reachable parts of the space are looked for only where the whole of it is large.
    if options.typical.is_some() || Liouville::fits(e.basis.size() as usize) {
        return Ok(None);
    }
    let (schedule, _) = build(&e)?;
    let mut relaxes = false;
    schedule.segments(&mut |s| relaxes |= !s.relaxing.is_empty());
    if !relaxes {
        return Ok(None);
    }
    let prepared = prepare(&e, &schedule.prepare, schedule.prepare_place.span())?;
    let members = members(&e)?.len();
    let space = match members {
        1 => sectors::space(&schedule, &prepared, options.max_memory)?,
        _ => sectors::whole(&schedule, options.max_memory)?,
    };
    if Liouville::fits(space.len()) {
        return Ok(None);
    }
    let cubed = (space.len() as f64).powi(3);
    let relaxing = segments(&schedule.steps, 1).into_iter().filter(|(s, _)| !s.relaxing.is_empty());
    let seconds: f64 = relaxing
        .map(|(segment, times)| {
            let generator = Generator::of(segment, &space);
            let phase = generator.bandwidth(0.0, segment.duration) * segment.duration;
            times as f64 * SECONDS * cubed * phase * (1 + generator.jumps()) as f64
        })
        .sum();
    Ok(Some(Work { states: space.len(), seconds: seconds * members as f64 }))
}
