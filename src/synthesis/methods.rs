//! The methods that need no search: Cartan decomposition and toggling frames.

use super::bilinear::Bilinear;
use super::block::Block;
use super::cartan::{Cartan, decompose};
use super::cycle::Path;
use super::frames::{NoAverage, Task};
use super::problem::{Answer, Candidate, Method, Refusal, Setting};
use super::propagate::How;
use super::tune::{between_centres, tune};
use super::{pair, said};
use crate::diagnostic::Code;
use crate::linalg::LinalgError;

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
                tune(&setting.machine, &between_centres(&ideal, &problem.channels), &setting.gate)?
            }
        };
        Ok(Answer::Found(Candidate { block, perfect, cycles: None, least: (least, why), notes }))
    }
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
        if setting.is_idle() {
            let none = Candidate {
                block: Block::default(),
                perfect: 1.0,
                cycles: None,
                least: (0.0, "nothing has to be done"),
                notes: vec!["the gate is the identity".into()],
            };
            return Ok(Answer::Found(none));
        }
        // A difference of squares: rounding alone leaves some 1e-8.
        if setting.many > 1e-7 {
            let message = "no average over rotations of the spins is this Hamiltonian: it has terms of three and more spins, and \
                           the couplings have terms of two";
            return Ok(Answer::Refused(first_order(message.into())));
        }
        let average = match task.average() {
            Ok(average) => average,
            Err(why) => return Ok(Answer::Refused(refused(setting, &task, &why))),
        };
        let least = average.total();
        let why = "the shortest sum of times of frames that averages to this Hamiltonian";
        if let Some(refusal) = setting.in_time(least, why) {
            return Ok(Answer::Refused(refusal));
        }
        let (ideal, cycles, perfect) = ideal_cycles(setting, &task, &Path::of(&average))?;
        let mut notes = described(setting, &average, least);
        if problem.ideal {
            notes.push("even orders of the average Hamiltonian vanish by symmetry of the cycle in time".into());
            return Ok(Answer::Found(Candidate { block: ideal, perfect, cycles, least: (least, why), notes }));
        }
        match finite_cycles(setting, &task, &Path::of(&average), cycles.unwrap_or(1))? {
            Ok((block, cycles, held)) => {
                notes.extend(held);
                Ok(Answer::Found(Candidate { block, perfect, cycles: Some(cycles), least: (least, why), notes }))
            }
            Err(refusal) => Ok(Answer::Refused(refusal)),
        }
    }
}

fn first_order(message: String) -> Refusal {
    let help =
        "rotations of whole channels and free evolution reach it at most at higher orders, with optimised pulse shapes";
    Refusal::new(Code::Unreachable, message, help)
}

/// The refusal of a Hamiltonian that no average is.
fn refused(setting: &Setting, task: &Task, why: &NoAverage) -> Refusal {
    let names = &setting.problem.names;
    first_order(match why {
        NoAverage::Outside(part) => format!(
            "no average over rotations of the spins is this Hamiltonian: its component along {} has no counterpart in the rotated \
             couplings and offsets",
            part.named(names, 3)
        ),
        NoAverage::Separated(y) => {
            let dot = |a: &Bilinear| -> f64 { a.coordinates().iter().zip(y.coordinates()).map(|(p, q)| p * q).sum() };
            let wanted = dot(task.wanted) / (task.wanted.norm() * y.norm());
            format!(
                "no average over rotations of the spins is this Hamiltonian, at any scale: the component along {} is not positive in \
                 any frame and {} in the wanted Hamiltonian",
                y.named(names, 3),
                said::number(wanted)
            )
        }
    })
}

/// What is said of an average.
fn described(setting: &Setting, average: &super::frames::Average, least: f64) -> Vec<String> {
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
        let fidelity = setting.fidelity(&block, How::perfect(true))?;
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

/// What the block of finite pulses holds: block, cycles, notes.
type Finite = (Block, u64, Vec<String>);

/// The block of pulses of finite length: the first path and number of cycles that reach the fidelity, or the best.
fn finite_cycles(
    setting: &Setting,
    task: &Task,
    path: &Path,
    from: u64,
) -> Result<Result<Finite, Refusal>, LinalgError> {
    const IMAGES: [(&[usize], &str); 5] = [
        (&[], ""),
        (&[2], "and their images under a half turn about z"),
        (&[0], "and their images under a half turn about x"),
        (&[1], "and their images under a half turn about y"),
        (&[2, 0, 1], "and their images under half turns about z, x and y"),
    ];
    let mut best: Best = None;
    for (axes, text) in IMAGES {
        let path = path.with_images(axes);
        let mut worse = 0;
        for n in numbers(1).filter(|n| *n >= from || path.frames.len() > 1) {
            let timed = path.timed(task, n);
            let compensated = timed.is_some();
            let Some(timed) = timed else { break };
            let block = timed.block(task, n).rounded();
            let fidelity = setting.fidelity(&block, How::perfect(false))?;
            if best.as_ref().is_none_or(|b| fidelity > b.2) {
                best = Some((block, n, fidelity, text.into(), compensated));
                worse = 0;
            } else {
                worse += 1;
            }
            if 1.0 - fidelity <= setting.problem.infidelity {
                return Ok(Ok(finished(best)));
            }
            if worse > 3 {
                break;
            }
        }
    }
    if best.is_none() {
        best = uncompensated(setting, task, path, from)?;
    }
    Ok(match best {
        None => Err(too_long(setting, path)),
        best => Ok(finished(best)),
    })
}

/// Block, number of cycles, fidelity, which images of the frames it visits, and whether the length of the pulses is compensated.
type Best = Option<(Block, u64, f64, String, bool)>;

/// The times of ideal pulses with pulses of finite length, where these are short enough to do little harm.
fn uncompensated(setting: &Setting, task: &Task, path: &Path, from: u64) -> Result<Best, LinalgError> {
    const USABLE: f64 = 0.9;
    let mut best: Best = None;
    for n in numbers(1).take_while(|n| *n <= from) {
        let block = path.block(task, n).rounded();
        let fidelity = setting.fidelity(&block, How::perfect(false))?;
        if fidelity > best.as_ref().map_or(USABLE, |b| b.2) {
            best = Some((block, n, fidelity, String::new(), false));
        }
    }
    Ok(best)
}

fn finished(best: Best) -> Finite {
    let Some((block, n, _, images, compensated)) = best else { return (Block::default(), 1, vec![]) };
    let mut notes = vec!["even orders of the average Hamiltonian vanish by symmetry of the cycle in time".to_string()];
    if !images.is_empty() {
        notes.push(format!("the cycle visits the frames {images}"));
    }
    if compensated {
        notes.push("first order of the pulse length: compensated by the times of the frames".into());
    } else {
        notes.push("first order of the pulse length: not compensated".into());
    }
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
