//! The methods that need no search: Cartan decomposition and toggling frames.

use super::bilinear::Bilinear;
use super::block::Block;
use super::cartan::{Cartan, decompose};
use super::cycle::Path;
use super::frames::{Average, NoAverage, Task, Tried};
use super::problem::{Answer, Candidate, Method, Refusal, Setting};
use super::propagate::How;
use super::tune::{between_centres, tune};
use super::{pair, said};
use crate::diagnostic::Code;
use crate::linalg::LinalgError;
use std::f64::consts::PI;

/// Largest number of cycles that is tried.
const MOST_CYCLES: u64 = 8192;

/// Two spins 1/2 on different channels.
pub struct Pair;

impl Method for Pair {
    fn name(&self) -> &'static str {
        "Cartan decomposition of the gate of two spins, exact"
    }

    fn find(&self, setting: &Setting) -> Result<Answer, LinalgError> {
        let problem = setting.problem;
        let (Some(c), [zz]) = (two_channels(setting), setting.internal.pair.as_slice()) else {
            return Ok(Answer::NotMine);
        };
        if setting.is_hold() {
            return Ok(Answer::NotMine);
        }
        let g = zz[2][2];
        let mut cartan = decompose(&setting.gate)?;
        if c == [1, 0] {
            // The blocks number the channels, the decomposition the spins.
            cartan =
                Cartan { first: [cartan.first[1], cartan.first[0]], last: [cartan.last[1], cartan.last[0]], ..cartan };
        }
        let angle: f64 = cartan.coupling.iter().map(|c| c.abs()).sum();
        if g == 0.0 && angle > 1e-12 {
            return Ok(Answer::NotMine);
        }
        let least = if g == 0.0 { 0.0 } else { angle / g.abs() };
        let why = "the shortest time of the coupling for this gate with rotations of any speed";
        if let Some(refusal) = setting.in_time(least, why) {
            return Ok(Answer::Refused(refusal));
        }
        let g = if g == 0.0 { 1.0 } else { g };
        let refocused = setting.internal.single.iter().flatten().any(|x| *x != 0.0);
        let ideal = pair::best(&cartan, g, refocused, &problem.channels);
        let perfect = setting.fidelity(&ideal, How::perfect(true))?;
        let mut notes = vec![format!(
            "coupling angles cx, cy, cz = {}, {}, {} rad of exp(-i (cx XX + cy YY + cz ZZ)) between rotations of single spins",
            said::number(cartan.coupling[0]),
            said::number(cartan.coupling[1]),
            said::number(cartan.coupling[2])
        )];
        if refocused {
            notes.push("offsets are refocused by 180 deg pulses on both spins in the middle of each period".into());
        }
        let block = match problem.ideal {
            true => ideal,
            false => {
                notes.push("flip angles, phases and delays are adapted to the length of the pulses".into());
                adapted(setting, &cartan, g, refocused)?
            }
        };
        Ok(Answer::Found(Candidate { block, perfect: Some(perfect), cycles: None, least: (least, why), notes }))
    }
}

/// The block of pulses of finite length. The coupling acts during the pulses, so that all three coupling angles have to be adjustable: where
/// one of them is zero, also blocks with a period for a small angle of either sign are tried.
fn adapted(setting: &Setting, cartan: &Cartan, g: f64, refocused: bool) -> Result<Block, LinalgError> {
    let channels = &setting.problem.channels;
    let tuned = |cartan: &Cartan| -> Result<(Block, f64), LinalgError> {
        let ideal = pair::best(cartan, g, refocused, channels);
        let block = tune(&setting.machine, &between_centres(&ideal, channels), &setting.gate, false)?;
        let fidelity = setting.fidelity(&block.rounded(), How::perfect(false))?;
        Ok((block, fidelity))
    };
    let enough = |fidelity: f64| 1.0 - fidelity <= setting.problem.infidelity;
    let mut best = tuned(cartan)?;
    // The angle of the coupling during a 180 deg pulse.
    let slowest = channels.iter().filter_map(|c| c.rf).fold(f64::INFINITY, f64::min);
    let small = g.abs() * PI / slowest;
    for k in (0..3).filter(|k| cartan.coupling[*k].abs() < small) {
        for sign in [1.0, -1.0] {
            if enough(best.1) {
                return Ok(best.0);
            }
            let mut with = cartan.clone();
            with.coupling[k] = sign * small;
            let found = tuned(&with)?;
            if found.1 > best.1 {
                best = found;
            }
        }
    }
    Ok(best.0)
}

/// The channels of the two spins, if there are two spins and each is alone on its channel.
fn two_channels(setting: &Setting) -> Option<[usize; 2]> {
    match setting.channel.as_slice() {
        [Some(a), Some(b)] if a != b => Some([*a, *b]),
        _ => None,
    }
}

/// Collective rotations.
pub struct Frames;

impl Method for Frames {
    fn name(&self) -> &'static str {
        "average over toggling frames, by a linear program"
    }

    fn find(&self, setting: &Setting) -> Result<Answer, LinalgError> {
        let problem = setting.problem;
        let task = Task {
            internal: &setting.internal,
            wanted: &setting.wanted,
            channel: &setting.channel,
            channels: &problem.channels,
        };
        if setting.is_hold() {
            return Ok(Answer::NotMine);
        }
        if setting.is_idle() {
            let none = Candidate {
                block: Block::default(),
                perfect: Some(1.0),
                cycles: None,
                least: (0.0, "nothing has to be done"),
                notes: vec!["the gate is the identity".into()],
            };
            return Ok(Answer::Found(none));
        }
        // A difference of squares: rounding alone leaves some 1e-8.
        if setting.many > 1e-7 {
            let message = "no average over rotations of whole channels is this Hamiltonian: it has terms of three and more spins, \
                           and the couplings have terms of two";
            return Ok(Answer::Refused(first_order(setting, message.into())));
        }
        let fast = match task.average() {
            Ok(average) => average_block(setting, &task, &average, vec![])?,
            Err(why) => return Ok(Answer::Refused(refused(setting, &task, &why))),
        };
        let refocused = setting.offset_channels();
        if !refocused.contains(&true) {
            return Ok(fast);
        }
        // Frames in which the offsets of the ensemble average to zero may take longer, and suffer less from them.
        let Ok(average) = task.refocused(&refocused) else { return Ok(fast) };
        let note = "the offsets of the ensemble average to zero over the frames".to_string();
        let slow = average_block(setting, &task, &average, vec![note])?;
        let score = |answer: &Answer| match answer {
            Answer::Found(candidate) => setting.score(&candidate.block),
            Answer::NotMine | Answer::Refused(_) => Ok(-1.0),
        };
        Ok(if score(&slow)? > score(&fast)? { slow } else { fast })
    }
}

/// The block of an average over frames.
fn average_block(setting: &Setting, task: &Task, average: &Average, held: Vec<String>) -> Result<Answer, LinalgError> {
    let problem = setting.problem;
    let least = average.total();
    let why = match average.tilted {
        true => {
            "the shortest sum of times of the frames tried, along axes, diagonals and principal axes of H, that averages to H"
        }
        false => "the shortest sum of times of frames along x, y and z that averages to H",
    };
    if let Some(refusal) = setting.in_time(least, why) {
        return Ok(Answer::Refused(refusal));
    }
    let (ideal, cycles, perfect) = ideal_cycles(setting, task, &Path::of(average))?;
    let mut notes = described(setting, average, least);
    notes.extend(held);
    if problem.ideal {
        notes.push("even orders of the average Hamiltonian vanish by symmetry of the cycle in time".into());
        return Ok(Answer::Found(Candidate {
            block: ideal,
            perfect: Some(perfect),
            cycles,
            least: (least, why),
            notes,
        }));
    }
    match finite_cycles(setting, task, &Path::of(average), cycles.unwrap_or(1))? {
        Ok((block, cycles, held)) => {
            notes.extend(held);
            Ok(Answer::Found(Candidate {
                block,
                perfect: Some(perfect),
                cycles: Some(cycles),
                least: (least, why),
                notes,
            }))
        }
        Err(refusal) => Ok(Answer::Refused(refusal)),
    }
}

/// What averages of first order do not make, pulse shapes may.
fn first_order(setting: &Setting, message: String) -> Refusal {
    let help = match setting.problem.ideal {
        true => "pulse shapes may reach it at higher orders: leave out `--ideal`, and give the nutation frequency",
        false => "pulse shapes may reach it at higher orders in a longer time, or with a larger rf",
    };
    Refusal::new(Code::Unreachable, message, help)
}

/// The refusal of a Hamiltonian that no average is.
fn refused(setting: &Setting, task: &Task, why: &NoAverage) -> Refusal {
    let names = &setting.problem.names;
    // What is proved for frames along all directions, and what of those alone that the program had.
    let subject = |tried: &Tried| match tried.all {
        true => "no average over rotations of whole channels is this Hamiltonian, by any angles".to_string(),
        false => {
            format!("no average over the {} frames that were tried is this Hamiltonian, at any scale", tried.frames)
        }
    };
    let others = |tried: &Tried| if tried.all { "" } else { "; for frames along other directions this is not proved" };
    let message = match why {
        NoAverage::Outside(part, tried) => format!(
            "{}: its component along {} has no counterpart in the rotated couplings and offsets{}",
            subject(tried),
            part.named(names, 3),
            others(tried)
        ),
        NoAverage::Separated(y, tried) => {
            let dot = |a: &Bilinear| -> f64 { a.coordinates().iter().zip(y.coordinates()).map(|(p, q)| p * q).sum() };
            let wanted = dot(task.wanted) / (task.wanted.norm() * y.norm());
            format!(
                "{}: the component along {} is not positive in any of the frames and {} in the wanted Hamiltonian{}",
                subject(tried),
                y.named(names, 3),
                said::number(wanted),
                others(tried)
            )
        }
    };
    first_order(setting, message)
}

/// What is said of an average.
fn described(setting: &Setting, average: &Average, least: f64) -> Vec<String> {
    let mut notes = Vec::new();
    let axes = if average.tilted { "along axes, diagonals and principal axes of H" } else { "along x, y and z" };
    notes.push(format!("{} frames {axes}", average.frames.len()));
    for (frame, time) in &average.frames {
        let of = |(n, c): (&[f64; 3], &super::block::Transmitter)| {
            let [x, y, z] = n.map(said::number);
            format!("Iz of {} along ({x}, {y}, {z})", c.nucleus)
        };
        let each: Vec<String> = frame.iter().zip(&setting.problem.channels).map(of).collect();
        notes.push(format!("  {}: {}", said::time(*time), each.join(", ")));
    }
    if least > 0.0 {
        let scale = setting.problem.time / least;
        notes.push(format!("largest scale of H that an average over the whole time reaches: {}", said::number(scale)));
    }
    notes
}

/// Numbers of cycles, about two for each octave.
fn numbers(from: u64) -> impl Iterator<Item = u64> {
    let all = (0..).flat_map(|k| [1u64 << k, 3 << k]).take_while(|n| *n <= MOST_CYCLES);
    let mut all: Vec<u64> = all.filter(move |n| *n >= from).collect();
    all.sort_unstable();
    all.into_iter()
}

/// The fewest cycles that reach the fidelity with ideal pulses, or the most.
fn ideal_cycles(setting: &Setting, task: &Task, path: &Path) -> Result<(Block, Option<u64>, f64), LinalgError> {
    let mut best: Option<(Block, u64, f64)> = None;
    for n in numbers(1) {
        let block = path.block(task, n).rounded();
        let fidelity = match setting.problem.ideal {
            true => setting.score(&block)?,
            false => setting.fidelity(&block, How::perfect(true))?,
        };
        // Rounding grows with the number of cycles; more of them than are of use are not taken.
        if best.as_ref().is_none_or(|b| 1.0 - fidelity < 0.9 * (1.0 - b.2)) {
            best = Some((block, n, fidelity));
        }
        if 1.0 - fidelity <= setting.problem.infidelity {
            break;
        }
    }
    Ok(best.map_or((Block::default(), None, 0.0), |(block, n, f)| (block, Some(n), f)))
}

/// A block of pulses of finite length: block, cycles, fidelity, the axes of the images that its cycle visits.
type Finite = (Block, u64, f64, &'static [usize]);

/// A block, its number of cycles, and notes.
type Cycles = (Block, u64, Vec<String>);

/// The half turns about axes whose images of the frames a cycle visits.
const IMAGES: [&[usize]; 10] = [&[], &[2], &[0], &[1], &[2, 0], &[0, 2], &[0, 1], &[1, 0], &[1, 2], &[2, 1]];

/// The block of pulses of finite length, with notes: the first path and number of cycles that reach the fidelity, those that do when
/// their pulses and delays are adjusted, or the best.
fn finite_cycles(
    setting: &Setting,
    task: &Task,
    path: &Path,
    from: u64,
) -> Result<Result<Cycles, Refusal>, LinalgError> {
    let wanted = setting.problem.infidelity;
    let mut all: Vec<Finite> = Vec::new();
    for axes in IMAGES {
        let path = path.with_images(axes);
        let mut best = 0.0;
        let mut worse = 0;
        for n in numbers(1).filter(|n| *n >= from || path.frames.len() > 1) {
            let Some(timed) = path.timed(task, n) else { break };
            let block = timed.block(task, n).rounded();
            let fidelity = setting.score(&block)?;
            all.push((block, n, fidelity, axes));
            if 1.0 - fidelity <= wanted {
                return Ok(Ok(all.pop().map_or_else(Default::default, |f| finished(f, true, false))));
            }
            worse = if fidelity > best { 0 } else { worse + 1 };
            best = f64::max(best, fidelity);
            if worse > 3 {
                break;
            }
        }
    }
    all.sort_by(|a, b| b.2.total_cmp(&a.2));
    if let Some(tuned) = tuned_cycles(setting, &all)? {
        return Ok(Ok(finished(tuned, true, true)));
    }
    Ok(match all.into_iter().next() {
        Some(best) => Ok(finished(best, true, false)),
        None => match uncompensated(setting, task, path, from)? {
            Some(best) => Ok(finished(best, false, false)),
            None => Err(too_long(setting, path)),
        },
    })
}

/// The best cycles with adjusted pulses and delays: of those that reach the fidelity the one that suffers least from an rf error of 1 %, or
/// the best of all; `None` if the system is too large.
fn tuned_cycles(setting: &Setting, all: &[Finite]) -> Result<Option<Finite>, LinalgError> {
    const LARGEST: usize = 16;
    const TRIED: usize = 8;
    if setting.gate.nrows() > LARGEST {
        return Ok(None);
    }
    let mut best: Option<(Finite, f64)> = None;
    for (block, n, _, axes) in all.iter().take(TRIED) {
        let block = tune(&setting.machine, block, &setting.gate, true)?.rounded();
        let fidelity = setting.score(&block)?;
        let wrong = setting.fidelity(&block, How { rf: 1.01, ..How::perfect(false) })?;
        let reached = |f: f64| 1.0 - f <= setting.problem.infidelity;
        let better =
            best.as_ref().is_none_or(|((_, _, before, _), with_error)| match (reached(fidelity), reached(*before)) {
                (true, true) => wrong > *with_error,
                (true, false) => true,
                (false, true) => false,
                (false, false) => fidelity > *before,
            });
        if better {
            best = Some(((block, *n, fidelity, axes), wrong));
        }
    }
    Ok(best.map(|(found, _)| found))
}

/// The times of ideal pulses with pulses of finite length, where these are short enough to do little harm.
fn uncompensated(setting: &Setting, task: &Task, path: &Path, from: u64) -> Result<Option<Finite>, LinalgError> {
    const USABLE: f64 = 0.9;
    let mut best: Option<Finite> = None;
    for n in numbers(1).take_while(|n| *n <= from) {
        let block = path.block(task, n).rounded();
        let fidelity = setting.score(&block)?;
        if fidelity > best.as_ref().map_or(USABLE, |b| b.2) {
            best = Some((block, n, fidelity, &[]));
        }
    }
    Ok(best)
}

/// The block with what holds of it.
fn finished(found: Finite, compensated: bool, tuned: bool) -> Cycles {
    let (block, n, _, axes) = found;
    let mut notes = vec!["even orders of the average Hamiltonian vanish by symmetry of the cycle in time".to_string()];
    if !axes.is_empty() {
        let named: Vec<&str> = axes.iter().map(|a| ["x", "y", "z"][*a % 3]).collect();
        notes.push(format!(
            "the cycle visits the frames and their images under half turns about {}",
            named.join(" and ")
        ));
    }
    notes.push(match (tuned, compensated) {
        (true, _) => "flip angles, phases and delays of a half of the cycle are adapted to the length of the pulses; the other half is its \
                      inverse"
            .into(),
        (_, true) => "first order of the pulse length: compensated by the times of the frames".into(),
        _ => "first order of the pulse length: not compensated".into(),
    });
    notes.push("first order of rf errors: every pulse of a cycle and its inverse cancel, except in rotations of a whole channel".into());
    (block, n, notes)
}

/// The refusal of pulses that are longer than what they are to make.
fn too_long(setting: &Setting, path: &Path) -> Refusal {
    let channels = &setting.problem.channels;
    let slowest = channels.iter().filter_map(|c| c.rf).fold(f64::INFINITY, f64::min);
    let pulses = path.flips() / slowest;
    let whole: f64 = path.frames.iter().map(|(_, t)| t).sum();
    Refusal::new(
        Code::NoPulses,
        format!(
            "with this rf the pulses of a single cycle last up to {} and turn the spins too slowly: the frames need {}, and what acts \
             during the pulses cannot be compensated",
            said::time(pulses),
            said::time(whole)
        ),
        "use a larger rf, a longer time or a stronger Hamiltonian",
    )
}
