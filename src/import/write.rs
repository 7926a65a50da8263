//! The text of a sequence: lines, parameters, cycles and shapes.

use crate::ir::{FUNCTIONS, is_fixed_name};
use crate::source::in_one_line;
use crate::syntax::words::WORDS;
use std::collections::BTreeMap;

/// The decoupling of a channel during a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoupled {
    /// Which of all decouplings it is: lines with the same number follow each other without an interruption.
    pub start: usize,
    /// The head of a block that begins with this line.
    pub head: String,
    /// Text before and after the duration of the pulse that replaces a block with a single delay; `None` for a train of pulses.
    pub wave: Option<(String, String)>,
}

/// A line of a sequence.
#[derive(Debug, Clone, PartialEq)]
pub enum Out {
    /// Terms of a delay.
    Delay(Vec<String>),
    /// A pulse, and its length where the file has it without one.
    Pulse(String, Option<String>),
    /// Any other statement.
    Other(String),
    /// A comment.
    Comment(String),
    /// A delay before anything is sent: of no effect, unless a loop comes back to it.
    Before(String),
    /// Repetition.
    Loop(String, Vec<Out>),
    /// A line during which channels are decoupled.
    Under(BTreeMap<usize, Decoupled>, Box<Out>),
    /// A block: its head, and its lines.
    Block(String, Vec<Out>),
}

impl Out {
    /// Whether something is done.
    pub fn acts(&self) -> bool {
        match self {
            Out::Pulse(..) | Out::Delay(_) => true,
            Out::Other(text) => !text.starts_with("mark "),
            Out::Loop(_, body) | Out::Block(_, body) => body.iter().any(Out::acts),
            Out::Under(_, line) => line.acts(),
            Out::Comment(_) | Out::Before(_) => false,
        }
    }

    /// The same inside of a loop, where it follows what was sent.
    pub fn repeated(self) -> Out {
        match self {
            Out::Before(time) => Out::Delay(vec![time]),
            Out::Loop(count, body) => Out::Loop(count, body.into_iter().map(Out::repeated).collect()),
            Out::Under(on, line) => Out::Under(on, Box::new(line.repeated())),
            other => other,
        }
    }
}

/// A line without what is decoupled meanwhile.
fn bare(line: &mut Out) -> &mut Out {
    match line {
        Out::Under(_, line) => bare(line),
        line => line,
    }
}

/// Delays beside pulses that the file has without length are longer by half of them: the exporter made them shorter.
pub fn lengthen(lines: &mut [Out]) {
    for k in 0..lines.len() {
        let length = match lines.get_mut(k).map(bare) {
            Some(Out::Loop(_, body)) => {
                lengthen(body);
                continue;
            }
            Some(Out::Pulse(_, Some(length))) => length.clone(),
            _ => continue,
        };
        let passed = |line: &Out| match line {
            Out::Comment(_) | Out::Before(_) => true,
            Out::Other(text) => text.starts_with("mark "),
            Out::Delay(_) | Out::Pulse(..) | Out::Loop(..) | Out::Under(..) | Out::Block(..) => false,
        };
        let before = (0..k).rev().find(|j| lines.get(*j).is_some_and(|l| !passed(l)));
        let behind = (k + 1..lines.len()).find(|j| lines.get(*j).is_some_and(|l| !passed(l)));
        for neighbour in [before, behind].into_iter().flatten() {
            if let Some(Out::Delay(terms)) = lines.get_mut(neighbour).map(bare) {
                terms.push(format!("{length}/2"));
            }
        }
    }
}

/// Adds lines to a text.
pub fn write(lines: &[Out], depth: usize, out: &mut String) {
    let blanks = "    ".repeat(depth);
    for line in lines {
        match line {
            Out::Delay(terms) => *out += &format!("{blanks}delay {}\n", terms.join(" + ")),
            Out::Pulse(text, _) | Out::Other(text) => {
                for part in text.lines() {
                    *out += &format!("{blanks}{part}\n");
                }
            }
            Out::Before(time) => *out += &format!("{blanks}# between scans: {time}\n"),
            Out::Comment(text) => *out += &format!("{blanks}#{}\n", in_one_line(text)),
            Out::Loop(count, body) => write_block(&format!("loop {count}"), body, depth, out),
            Out::Block(head, body) => write_block(head, body, depth, out),
            Out::Under(_, line) => write(std::slice::from_ref(line), depth, out),
        }
    }
}

fn write_block(head: &str, body: &[Out], depth: usize, out: &mut String) {
    let blanks = "    ".repeat(depth);
    *out += &format!("{blanks}{head} {{\n");
    write(body, depth + 1, out);
    *out += &format!("{blanks}}}\n");
}

/// The names in a text.
pub fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let words = code.flat_map(|line| line.split(|c: char| !(c.is_alphanumeric() || c == '_')));
    words.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// A number with fourteen digits: a unit that is multiplied in leaves its rounding behind them.
pub fn shown(x: f64) -> String {
    crate::syntax::number_text(crate::units::rounded(x))
}

/// A name that means nothing else in the language.
pub fn safe_name(name: &str) -> String {
    let taken = WORDS.iter().any(|w| w.word == name)
        || FUNCTIONS.iter().any(|f| f.name == name)
        || is_fixed_name(name)
        || name.chars().count() == 1;
    if taken { format!("{name}_") } else { name.to_string() }
}
