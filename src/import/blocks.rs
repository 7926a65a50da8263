//! Lines during which channels are decoupled, as blocks `decouple`.

use super::write::{Decoupled, Out};
use std::collections::{BTreeMap, VecDeque};

/// Takes back the turns at the end of the lines that are the same as those that follow, of which the body becomes the first; gives how
/// many of these that are written out are left.
pub fn join_turns(lines: &mut Vec<Out>, body: &mut Vec<Out>, done: usize) -> usize {
    let mut left = done;
    while left > 0 {
        let Some(start) = lines.len().checked_sub(body.len()) else { break };
        let before: Vec<Out> =
            lines.get(start..).unwrap_or_default().iter().map(|line| line.clone().repeated()).collect();
        if !alike(&before, body) {
            break;
        }
        *body = before;
        lines.truncate(start);
        left -= 1;
    }
    left
}

/// Whether lines do the same from turn to turn: a decoupling that goes on does, although it has been on for longer.
fn alike(a: &[Out], b: &[Out]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| like(a, b))
}

fn like(a: &Out, b: &Out) -> bool {
    match (a, b) {
        (Out::Under(on, a), Out::Under(other, b)) => {
            let same =
                |(k, x): (&usize, &Decoupled)| other.get(k).is_some_and(|y| x.start == y.start || x.head == y.head);
            on.len() == other.len() && on.iter().all(same) && like(a, b)
        }
        (Out::Loop(count, a), Out::Loop(other, b)) => count == other && alike(a, b),
        (a, b) => a == b,
    }
}

/// A loop; the channels that are decoupled throughout are so during the whole of it.
pub fn repeated(count: String, body: Vec<Out>, throughout: &[usize]) -> Out {
    let mut during = BTreeMap::new();
    let lines = body.into_iter().map(|line| match line {
        Out::Under(mut on, line) => {
            for channel in throughout {
                if let Some(one) = on.remove(channel) {
                    during.entry(*channel).or_insert(one);
                }
            }
            under(on, *line)
        }
        other => other,
    });
    let whole = Out::Loop(count, lines.collect());
    under(during, whole)
}

fn under(on: BTreeMap<usize, Decoupled>, line: Out) -> Out {
    if on.is_empty() { line } else { Out::Under(on, Box::new(line)) }
}

/// What may stand in a block or outside of it.
fn is_quiet(line: &Out) -> bool {
    !line.acts() && !matches!(line, Out::Under(..))
}

/// The lines with their blocks: of the channels that are decoupled during a line, the one that goes on longest has the outer block.
pub fn nested(lines: Vec<Out>) -> Vec<Out> {
    let mut out = Vec::new();
    let mut rest: VecDeque<Out> = lines.into();
    while let Some(first) = rest.pop_front() {
        match first {
            Out::Loop(count, body) => out.push(Out::Loop(count, nested(body))),
            Out::Under(mut on, line) => {
                let runs = on.iter().map(|(channel, one)| (behind(&rest, *channel, one.start), *channel));
                // Of runs of one length the first channel has the outer block.
                let longest = runs.reduce(|a, b| if b.0 > a.0 { b } else { a });
                let Some((more, channel, one)) = longest.and_then(|(n, c)| on.remove(&c).map(|one| (n, c, one))) else {
                    rest.push_front(*line);
                    continue;
                };
                let mut body = vec![under(on, *line)];
                body.extend(rest.drain(..more).map(|line| without(line, channel)));
                out.push(block(one, nested(body)));
            }
            other => out.push(other),
        }
    }
    out
}

/// How many of the lines behind one during which a channel is decoupled belong to the same decoupling.
fn behind(lines: &VecDeque<Out>, channel: usize, start: usize) -> usize {
    let mut length = 0;
    for (k, line) in lines.iter().enumerate() {
        match line {
            Out::Under(on, _) if on.get(&channel).is_some_and(|one| one.start == start) => length = k + 1,
            line if is_quiet(line) => {}
            _ => break,
        }
    }
    length
}

fn without(line: Out, channel: usize) -> Out {
    match line {
        Out::Under(mut on, line) => {
            on.remove(&channel);
            under(on, *line)
        }
        other => other,
    }
}

fn block(one: Decoupled, body: Vec<Out>) -> Out {
    if let (Some((before, behind)), [Out::Delay(terms)]) = (&one.wave, body.as_slice()) {
        return Out::Pulse(format!("{before} duration = {}{behind}", terms.join(" + ")), None);
    }
    Out::Block(one.head, body)
}
