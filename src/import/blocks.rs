//! Lines during which channels are decoupled, as blocks `decouple`.

use super::write::{Decoupled, Out};
use std::collections::BTreeMap;

/// Whether lines do the same from turn to turn: a decoupling that goes on does, although it has been on for longer.
pub fn alike(a: &[Out], b: &[Out]) -> bool {
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
    let mut rest = lines;
    while !rest.is_empty() {
        let longest = match rest.first() {
            Some(Out::Under(on, _)) => {
                on.iter().map(|(channel, one)| (run(&rest, *channel, one.start), *channel, one.clone()))
            }
            _ => {
                let line = rest.remove(0);
                out.push(if let Out::Loop(count, body) = line { Out::Loop(count, nested(body)) } else { line });
                continue;
            }
        }
        // Of runs of one length the first channel has the outer block.
        .reduce(|a, b| if b.0 > a.0 { b } else { a });
        let Some((length, channel, one)) = longest else {
            if let Out::Under(_, line) = rest.remove(0) {
                rest.insert(0, *line);
            }
            continue;
        };
        let behind = rest.split_off(length);
        let body: Vec<Out> =
            std::mem::replace(&mut rest, behind).into_iter().map(|line| without(line, channel)).collect();
        out.push(block(one, nested(body)));
    }
    out
}

/// How many lines a decoupling goes on for, from the first.
fn run(lines: &[Out], channel: usize, start: usize) -> usize {
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
