//! What is done, in its order: propagators that are kept and applied become what they were made of, and points a signal.

use super::record::{Act, Sent};
use super::work::{DEEPEST_LOOPS, MOST_STEPS, MOST_STEPS_IN_ALL};
use std::collections::{BTreeMap, BTreeSet};

/// Keeping a propagator, of which nothing is written, counts so many times less than a step.
const KEPT: usize = 8;

/// What is done.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing is sent, us.
    Delay(f64),
    /// The channels send, us.
    Pulse { time: f64, ideal: bool, sent: Sent },
    /// Coherences of these orders stay.
    Filter(Vec<i64>),
    /// A comment.
    Comment(String),
    /// A repetition.
    Loop(usize, Vec<Step>),
    /// A point of the signal, with the phase of the receiver in degrees.
    Point(f64),
}

/// How a signal is seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Signal {
    /// No point.
    None,
    /// Points with a delay between them, us; with the phase of the receiver in degrees.
    Free { points: usize, dwell: Option<f64>, phase: f64 },
    /// Points with the same steps between them.
    Strobed { points: usize, between: Vec<Step>, phase: f64 },
    /// Points between which something else is done each time; with the steps before each.
    Scattered(Vec<Vec<Step>>),
}

/// A scan.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// What is done before the first point.
    pub before: Vec<Step>,
    /// The signal.
    pub signal: Signal,
    /// What is done behind the last point.
    pub behind: Vec<Step>,
    /// Whether the receiver is turned at any point.
    pub turned: bool,
}

/// A scan from what was recorded; `before` is the number of steps of the scans before, and becomes that with this one.
///
/// # Errors
/// Why it cannot be read: a propagator that was not kept, or too many steps.
pub fn flow(acts: &[Act], before: &mut usize) -> Result<Flow, String> {
    let mut walk = Walk { before: *before, ..Walk::default() };
    let read = walk.acts(acts);
    *before = walk.before.saturating_add(walk.steps);
    read?;
    let mut steps = std::mem::take(&mut walk.sent);
    steps.append(&mut walk.pending);
    Ok(split(steps))
}

#[derive(Default)]
struct Walk {
    /// What the density matrix has seen.
    sent: Vec<Step>,
    /// What the propagator holds.
    pending: Vec<Step>,
    kept: BTreeMap<String, Vec<Step>>,
    steps: usize,
    /// Steps of other scans.
    before: usize,
}

/// How many steps there are, those in loops once, and how deep loops are nested.
fn size(steps: &[Step]) -> (usize, usize) {
    let one = |step: &Step| match step {
        Step::Loop(_, body) => {
            let (size, depth) = size(body);
            (size + 1, depth + 1)
        }
        _ => (1, 0),
    };
    steps.iter().map(one).fold((0, 0), |(a, b), (size, depth)| (a + size, b.max(depth)))
}

/// Whether acts move the density matrix, or change what is kept.
fn moves(acts: &[Act]) -> bool {
    acts.iter().any(|act| match act {
        Act::Loop(_, body) => moves(body),
        Act::Reset | Act::Store(_) | Act::Evolve | Act::Point(_) | Act::Points(..) | Act::Block(..) => true,
        _ => false,
    })
}

impl Walk {
    fn count(&mut self, more: usize) -> Result<(), String> {
        self.steps = self.steps.saturating_add(more);
        if self.steps > MOST_STEPS {
            return Err(format!("a scan has more than {MOST_STEPS} steps"));
        }
        if self.before.saturating_add(self.steps) > MOST_STEPS_IN_ALL {
            return Err(format!("the scans have more than {MOST_STEPS_IN_ALL} steps in total"));
        }
        Ok(())
    }

    /// A propagator that is used so many times.
    fn kept(&mut self, slot: &str, times: usize) -> Result<Vec<Step>, String> {
        let none = || format!("no propagator is stored as {slot}");
        let (size, depth) = size(self.kept.get(slot).ok_or_else(none)?);
        if depth > DEEPEST_LOOPS {
            return Err(format!("loops of propagators are nested more than {DEEPEST_LOOPS} deep"));
        }
        self.count(size.saturating_add(1).saturating_mul(times))?;
        self.kept.get(slot).cloned().ok_or_else(none)
    }

    fn acts(&mut self, acts: &[Act]) -> Result<(), String> {
        for act in acts {
            self.count(1)?;
            match act {
                Act::Delay(time) => self.pending.push(Step::Delay(*time)),
                Act::Pulse { time, ideal, sent } => {
                    self.pending.push(Step::Pulse { time: *time, ideal: *ideal, sent: sent.clone() });
                }
                Act::Filter(orders) => self.pending.push(Step::Filter(orders.clone())),
                // A comment is passed on whatever becomes of the propagator.
                Act::Comment(text, _) if self.pending.is_empty() => self.sent.push(Step::Comment(text.clone())),
                Act::Comment(text, _) => self.pending.push(Step::Comment(text.clone())),
                Act::Loop(count, body) if moves(body) => {
                    for _ in 0..*count {
                        self.acts(body)?;
                    }
                }
                Act::Loop(count, body) => {
                    let outer = std::mem::take(&mut self.pending);
                    self.acts(body)?;
                    let body = std::mem::replace(&mut self.pending, outer);
                    self.pending.push(Step::Loop(*count, body));
                }
                Act::Reset => {
                    let comments = self.pending.drain(..).filter(|s| matches!(s, Step::Comment(_)));
                    self.sent.extend(comments);
                }
                Act::Store(slot) => {
                    self.count(size(&self.pending).0 / KEPT)?;
                    let kept = self.pending.iter().filter(|s| !matches!(s, Step::Comment(_))).cloned().collect();
                    self.kept.insert(slot.clone(), kept);
                }
                Act::Apply(slot, times) => {
                    let kept = self.kept(slot, 1)?;
                    match times {
                        0 => {}
                        1 => self.pending.extend(kept),
                        times => self.pending.push(Step::Loop(*times, kept)),
                    }
                }
                Act::Evolve => self.sent.append(&mut self.pending),
                Act::Point(phase) => {
                    self.sent.append(&mut self.pending);
                    self.sent.push(Step::Point(*phase));
                }
                Act::Block(body, points, dwell) => {
                    self.sent.append(&mut self.pending);
                    self.acts(body)?;
                    let between = between_points(std::mem::take(&mut self.pending), *dwell)?;
                    self.count(points.saturating_mul(size(&between).0 + 1))?;
                    for k in 0..*points {
                        if k > 0 {
                            self.sent.extend(between.iter().cloned());
                        }
                        self.sent.push(Step::Point(0.0));
                    }
                }
                Act::Points(points, slot, phase) => {
                    let kept = self.kept(slot, *points)?;
                    self.sent.append(&mut self.pending);
                    self.sent.push(Step::Point(*phase));
                    for _ in 1..*points {
                        self.sent.extend(kept.iter().cloned());
                        self.sent.push(Step::Point(*phase));
                    }
                }
            }
        }
        Ok(())
    }
}

/// How long steps take, us.
fn duration(steps: &[Step]) -> f64 {
    let one = |step: &Step| match step {
        Step::Delay(time) => *time,
        Step::Pulse { time, ideal, .. } => {
            if *ideal {
                0.0
            } else {
                *time
            }
        }
        Step::Loop(count, body) => *count as f64 * duration(body),
        Step::Filter(_) | Step::Comment(_) | Step::Point(_) => 0.0,
    };
    steps.iter().map(one).sum()
}

/// What is done between points of a block that is repeated.
///
/// # Errors
/// When points do not come behind whole blocks.
fn between_points(block: Vec<Step>, dwell: f64) -> Result<Vec<Step>, String> {
    if block.iter().all(|s| matches!(s, Step::Delay(_) | Step::Comment(_))) {
        return Ok(vec![Step::Delay(dwell)]);
    }
    let times = dwell / duration(&block);
    let whole = times.round();
    if !(whole >= 1.0 && (times - whole).abs() < 1e-6 * whole) {
        let length = duration(&block);
        return Err(format!("a block of {length} us is not a fraction of the dwell time of {dwell} us"));
    }
    Ok(if whole == 1.0 { block } else { vec![Step::Loop(whole as usize, block)] })
}

/// What stands before, between and behind the points.
fn split(steps: Vec<Step>) -> Flow {
    let mut pieces: Vec<Vec<Step>> = vec![vec![]];
    let mut phases = Vec::new();
    let mut comments = Vec::new();
    let mut known = BTreeSet::new();
    for step in steps {
        match step {
            Step::Point(phase) => {
                phases.push(phase);
                pieces.push(vec![]);
            }
            // Comments between points are those of what makes the points.
            Step::Comment(text) if !phases.is_empty() => {
                if known.insert(text.clone()) {
                    comments.push(Step::Comment(text));
                }
            }
            step => {
                if let Some(piece) = pieces.last_mut() {
                    piece.push(step);
                }
            }
        }
    }
    let behind = if phases.is_empty() { vec![] } else { pieces.pop().unwrap_or_default() };
    let mut pieces = pieces.into_iter();
    let mut before = pieces.next().unwrap_or_default();
    before.append(&mut comments);
    let between: Vec<Vec<Step>> = pieces.collect();
    let phase = phases.first().copied().unwrap_or(0.0);
    let even = phases.iter().all(|p| *p == phase);
    let signal = match between.as_slice() {
        _ if phases.is_empty() => Signal::None,
        [] => Signal::Free { points: 1, dwell: None, phase },
        [first, rest @ ..] if even && rest.iter().all(|piece| piece == first) => match first.as_slice() {
            [Step::Delay(dwell)] => Signal::Free { points: phases.len(), dwell: Some(*dwell), phase },
            _ => Signal::Strobed { points: phases.len(), between: first.clone(), phase },
        },
        _ => Signal::Scattered(between),
    };
    // The last point takes a dwell too.
    let behind = match &signal {
        Signal::Free { dwell: Some(dwell), .. } if behind == [Step::Delay(*dwell)] => vec![],
        _ => behind,
    };
    Flow { before, signal, behind, turned: phases.iter().any(|p| *p != 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse() -> Act {
        Act::Pulse { time: 5.0, ideal: false, sent: vec![Some((5e4, 0.0))] }
    }

    #[test]
    fn kept_propagators_become_what_they_were_made_of() {
        let acts = [
            Act::Reset,
            Act::Delay(10.0),
            pulse(),
            Act::Store("1".into()),
            Act::Reset,
            Act::Delay(1.0),
            Act::Apply("1".into(), 3),
            Act::Point(0.0),
            Act::Loop(2, vec![Act::Delay(4.0), Act::Point(0.0)]),
            Act::Delay(4.0),
        ];
        let found = flow(&acts, &mut 0).unwrap();
        let body = vec![Step::Delay(10.0), Step::Pulse { time: 5.0, ideal: false, sent: vec![Some((5e4, 0.0))] }];
        assert_eq!(found.before, [Step::Delay(1.0), Step::Loop(3, body.clone())]);
        assert_eq!(found.signal, Signal::Free { points: 3, dwell: Some(4.0), phase: 0.0 });
        assert!(found.behind.is_empty());
        let strobed = [Act::Delay(10.0), pulse(), Act::Store("1".into()), Act::Reset, Act::Points(4, "1".into(), 90.0)];
        assert_eq!(flow(&strobed, &mut 0).unwrap().signal, Signal::Strobed { points: 4, between: body, phase: 90.0 });
        let scattered = [Act::Point(0.0), Act::Delay(1.0), Act::Point(0.0), Act::Delay(2.0), Act::Point(0.0)];
        assert!(matches!(flow(&scattered, &mut 0).unwrap().signal, Signal::Scattered(all) if all.len() == 2));
        assert!(flow(&[Act::Apply("2".into(), 1)], &mut 0).unwrap_err().contains("stored as 2"));
        assert!(flow(&[Act::Loop(1_000_000, vec![Act::Point(0.0)])], &mut 0).is_err());
    }
}
