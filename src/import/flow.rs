//! Follows a pulse program through one scan, from its beginning to the signal, as a console does for the first row.

use super::blocks;
use super::environment::{Environment, Snapshot, long_pulses};
use super::parameters::Parameters;
use super::sending::Sending;
use super::write::{Out, shown};
use crate::diagnostic::{Code, Diagnostic};
use crate::pulse_program::expression::{Amount, actions, condition};
use crate::pulse_program::tree::{Item, ItemKind, PulseProgram, Statement, each};
use crate::source::{Span, in_one_line};
use std::collections::{BTreeMap, BTreeSet};

/// The most items that are followed: loops whose body differs from turn to turn are written out.
const MOST_ITEMS: usize = 60_000;

/// The most values that are noted at labels, to see whether a loop comes back to where it was.
const MOST_NOTED: usize = 2_000_000;

/// Commands that nothing of a sequence depends on.
pub const SILENT: &[&str] = &[
    "ze",
    "zd",
    "st",
    "st0",
    "wr",
    "exit",
    "baseopt_echo",
    "prosol",
    "aqseq",
    "print",
    "dwellmode",
    "eosc",
    "eoscnp",
    "eosc1",
    "eosc2",
    "eoscnp1",
    "eoscnp2",
    "preset",
    "dccorr",
    "recph",
    "syrec",
    "lockh_on",
    "lockh_off",
    "unblank",
    "blank",
    "setnmr",
    "setrtp",
    "trigpe",
    "trigne",
    "trigpl",
    "trignl",
    "gatepulse",
    "stop",
    "manifest_append",
    "gc_control",
    "rf",
    "adc",
    "finally",
];

/// Words that included files define, and that send nothing: blanking, lock, receiver.
pub const MACROS: &[&str] = &[
    "BLKGRAD",
    "UNBLKGRAD",
    "BLKGRAMP",
    "UNBLKGRAMP",
    "BLKGRADF",
    "LOCKH_ON",
    "LOCKH_OFF",
    "LOCK_ON",
    "LOCK_OFF",
    "LOCKDEC_ON",
    "LOCKDEC_OFF",
    "HIGHQ",
    "DE",
    "DE1",
    "DE2",
    "DE3",
    "DE4",
    "RG_ON",
    "RG_OFF",
    "DWELL_HOLD",
    "DWELL_RELEASE",
    "DWELL_GEN",
    "DWELL_GEN1",
    "DWELL_GEN2",
    "SET_DEC",
    "rde",
    "BLKPA",
    "UNBLKPA",
    "H2_LOCK",
    "H2_PULSE",
    "QNP_X",
    "QNP_H",
    "QNP_F",
    "SWITO_H",
    "SWITO_F",
    "SWITO_X",
    "REC_BLK",
    "REC_UNBLK",
    "DWL_CLK_ON",
    "DWL_CLK_OFF",
];

/// A word of a line and where it belongs.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub item: &'a Item,
    pub statement: usize,
}

/// What a loop must find again to be one.
#[derive(Clone, PartialEq)]
struct State {
    values: Snapshot,
    sending: Sending,
}

struct Passed {
    lines: usize,
    state: State,
}

/// One scan.
pub struct Flow<'a> {
    pub program: &'a PulseProgram,
    pub text: &'a str,
    pub given: &'a Parameters,
    pub names: Environment<'a>,
    pub now: Sending,
    pub lines: Vec<Out>,
    pub said: Vec<Diagnostic>,
    /// Statements that are told to be lost.
    pub lost: BTreeSet<usize>,
    items: Vec<Place<'a>>,
    /// Where lines end, and the lines on which statements begin.
    ends: Vec<u32>,
    occupied: BTreeSet<usize>,
    labels: BTreeMap<&'a str, usize>,
    passed: BTreeMap<&'a str, Passed>,
    turns: BTreeMap<usize, usize>,
    done: BTreeSet<usize>,
    /// How many values were noted.
    noted: usize,
    comments: usize,
    /// Whether a signal is received.
    pub received: bool,
    /// The receiver's phase, where it is opened by hand.
    pub receiver: Option<String>,
    /// Conditions that are taken not to hold: with the numbers that are assumed the program would come to no signal.
    avoided: BTreeSet<usize>,
    /// The last condition that held by a number that is assumed.
    guess: Option<usize>,
    /// What decides which way the program goes, and is assumed.
    pub deciding: BTreeSet<String>,
    /// Shapes of pulses, and their files.
    pub shapes: BTreeMap<String, String>,
    /// Phases of every scan, degrees.
    pub cycles: BTreeMap<String, Vec<f64>>,
    /// Whether a gradient needs a sample that has a height.
    pub heights: bool,
    /// How often a channel was switched on.
    pub starts: usize,
}

/// Why a line cannot be followed.
pub type Lost = String;

impl<'a> Flow<'a> {
    fn new(program: &'a PulseProgram, text: &'a str, given: &'a Parameters) -> Flow<'a> {
        let mut items = Vec::new();
        let mut labels = BTreeMap::new();
        for (k, statement) in program.statements.iter().enumerate() {
            if let Some((label, _)) = &statement.label {
                labels.entry(label.as_str()).or_insert(items.len());
            }
            items.extend(statement.items.iter().map(|item| Place { item, statement: k }));
        }
        let ends: Vec<u32> = text.bytes().zip(0..).filter(|(b, _)| *b == b'\n').map(|(_, k)| k).collect();
        let line = |at: u32| ends.partition_point(|end| *end < at);
        let occupied = program.statements.iter().map(|s| line(s.span.start)).collect();
        let mut names = Environment::new(given);
        long_pulses(program, &mut names.long);
        Flow {
            program,
            text,
            given,
            names,
            now: Sending::default(),
            lines: vec![],
            said: vec![],
            lost: BTreeSet::new(),
            items,
            ends,
            occupied,
            labels,
            passed: BTreeMap::new(),
            turns: BTreeMap::new(),
            done: BTreeSet::new(),
            noted: 0,
            comments: 0,
            received: false,
            receiver: None,
            avoided: BTreeSet::new(),
            guess: None,
            deciding: BTreeSet::new(),
            shapes: BTreeMap::new(),
            cycles: BTreeMap::new(),
            heights: false,
            starts: 0,
        }
    }

    /// The line of a place, from 0.
    fn line_of(&self, at: u32) -> usize {
        self.ends.partition_point(|end| *end < at)
    }

    /// Follows a program; where the numbers that are assumed make it stop before its signal, as its own conditions on them do, these
    /// conditions are taken not to hold.
    pub fn of(program: &'a PulseProgram, text: &'a str, given: &'a Parameters) -> Flow<'a> {
        const MOST: usize = 32;
        let mut avoided = BTreeSet::new();
        loop {
            let mut flow = Flow::new(program, text, given);
            flow.avoided = avoided.clone();
            flow.run();
            match flow.guess.filter(|_| !flow.received && avoided.len() < MOST) {
                Some(guess) => drop(avoided.insert(guess)),
                None => return flow,
            }
        }
    }

    /// The whole scan, and all comments.
    fn run(&mut self) {
        let mut at = 0;
        let mut followed = 0;
        while at < self.items.len() {
            followed += 1;
            let Some(place) = self.items.get(at).copied() else { break };
            if followed > MOST_ITEMS || self.noted > MOST_NOTED {
                self.lose(place.statement, "the program reaches no acquisition");
                break;
            }
            self.arrive(at, place.statement);
            let lines = self.lines.len();
            match self.step(at) {
                Ok(Next::At(next)) => at = next,
                Ok(Next::End) => {
                    self.done.insert(place.statement);
                    break;
                }
                Err(why) => {
                    self.lines.truncate(lines);
                    self.lose(place.statement, &why);
                    at = self.behind_statement(at);
                }
            }
            self.done.insert(place.statement);
        }
        if !self.received && self.lost.is_empty() {
            let last = self.done.iter().next_back().copied().unwrap_or(0);
            self.lose(last, "the program reaches no acquisition");
        }
        self.rest();
    }

    /// Comments before a statement, and its label.
    fn arrive(&mut self, at: usize, statement: usize) {
        if let Some(found) = self.program.statements.get(statement) {
            self.comments_before(found.span.start);
            if let Some((label, _)) = &found.label
                && self.labels.get(label.as_str()) == Some(&at)
            {
                let state = State { values: self.names.snapshot(), sending: self.now.clone() };
                self.noted += state.values.0.len() + state.values.1.len() + 1;
                self.passed.insert(label.as_str(), Passed { lines: self.lines.len(), state });
            }
        }
    }

    fn comments_before(&mut self, start: u32) {
        let program = self.program;
        while let Some((comment, span)) = program.comments.get(self.comments).filter(|(_, s)| s.start < start) {
            self.comments += 1;
            self.comment(comment, *span);
        }
    }

    fn comment(&mut self, comment: &str, span: Span) {
        let own = self.line_of(span.start);
        let beside = self.occupied.contains(&own);
        match comment.trim().strip_prefix("mark ") {
            Some(name) if !name.trim().contains(char::is_whitespace) => {
                self.lines.push(Out::Other(format!("mark {}", name.trim())));
            }
            // The comment after a statement says what it represents.
            None if beside
                && matches!(comment.trim(), "ideal" | "crush" | "crush of finite duration" | "not emulated") => {}
            _ => comment.lines().for_each(|line| self.lines.push(Out::Comment(line.trim_end().to_string()))),
        }
    }

    /// How a statement is meant: the comment behind it.
    pub fn tag(&self, statement: usize) -> &'a str {
        let Some(statement) = self.program.statements.get(statement) else { return "" };
        let own = self.line_of(statement.span.start);
        // Comments stand in their order.
        let comments = &self.program.comments;
        let behind = comments.get(comments.partition_point(|(_, s)| s.start < statement.span.end));
        behind.filter(|(_, s)| self.line_of(s.start) == own).map_or("", |(text, _)| text.trim())
    }

    /// Keeps a statement as a comment, and says so once.
    pub fn lose(&mut self, statement: usize, why: &str) {
        if !self.lost.insert(statement) {
            return;
        }
        let Some(found) = self.program.statements.get(statement) else { return };
        let words = self.text.get(found.span.start as usize..found.span.end as usize).unwrap_or_default();
        self.lines.push(Out::Comment(format!(" not converted: {}", in_one_line(words))));
        self.said.push(
            Diagnostic::new(Code::UnknownConstruct, found.span, "this line is not converted")
                .label(why.to_string())
                .help("it is kept as a comment: write its effect as statements of the sequence"),
        );
    }

    fn behind_statement(&self, at: usize) -> usize {
        let own = self.items.get(at).map(|p| p.statement);
        (at..self.items.len()).find(|k| self.items.get(*k).map(|p| p.statement) != own).unwrap_or(self.items.len())
    }

    /// The items behind one that stand in the same statement.
    pub fn same_line(&self, at: usize) -> &[Place<'a>] {
        self.items.get(at + 1..self.behind_statement(at)).unwrap_or_default()
    }

    /// The item at a number.
    pub fn item(&self, at: usize) -> Option<Place<'a>> {
        self.items.get(at).copied()
    }

    fn step(&mut self, at: usize) -> Result<Next, Lost> {
        let Some(place) = self.item(at) else { return Ok(Next::End) };
        match &place.item.kind {
            ItemKind::Relation(text) => {
                let actions = actions(text).ok_or("this relation is not supported")?;
                self.names.prepare_power(&actions);
                self.names.relate(&actions)?;
            }
            ItemKind::Define { kind, name, value } => self.define(kind, name, value),
            ItemKind::Timed { length, modifiers } => return self.timed(at, length, modifiers).map(Next::At),
            ItemKind::Group { .. } => return self.groups(at).map(Next::At),
            ItemKind::Command { word, rest, modifiers } => match word.as_str() {
                "if" if rest.starts_with('#') => {}
                "if" => return self.decide(at, rest),
                // The end of a branch that is taken: what else there is is passed over.
                "else" => return Ok(Next::At(self.behind_branch(at + 1))),
                "{" | "}" => {}
                "exit" | "stop" => return Ok(Next::End),
                "gosc" | "goscnp" | "gosc1" | "goscnp1" => return self.receive(at).map(Next::At),
                _ => return self.command(at, word, modifiers).map(Next::At),
            },
            ItemKind::Loop { to, times } => return self.repeat(at, &to.0, times),
            ItemKind::Goto { to } => return self.go_to(&to.0),
            ItemKind::Go { word, .. } => {
                let stays = matches!(word.as_str(), "gosc" | "goscnp");
                if word == "rcyc" {
                    return Ok(Next::End);
                }
                let next = self.receive(at)?;
                return Ok(if stays { Next::At(next) } else { Next::End });
            }
            ItemKind::Store { .. } => return Ok(Next::End),
            ItemKind::Phase { .. } => return Err("a phase without a pulse".into()),
        }
        Ok(Next::At(at + 1))
    }

    fn go_to(&mut self, label: &str) -> Result<Next, Lost> {
        match self.labels.get(label) {
            Some(at) => Ok(Next::At(*at)),
            None => Err(format!("unknown label `{label}`")),
        }
    }

    /// `if "l0 == 1" { ... } else { ... }` or `if "l0 == 1" goto 5`
    fn decide(&mut self, at: usize, text: &str) -> Result<Next, Lost> {
        let text = text.trim().trim_matches('"').trim();
        let text = if text.starts_with('(') && text.ends_with(')') && condition(text).is_none() {
            text.get(1..text.len() - 1).unwrap_or_default()
        } else {
            text
        };
        let test = condition(text).ok_or("this condition is not supported")?;
        let mut holds = self.names.number(&test)? != 0.0;
        let mut names = BTreeSet::new();
        test.names(&mut |name| {
            names.insert(name.to_string());
        });
        for name in names {
            if self.names.of(&name).is_known() {
                continue;
            }
            self.deciding.insert(name);
            if holds && self.avoided.contains(&at) {
                holds = false;
            } else if holds {
                self.guess = Some(at);
            }
        }
        if holds {
            return Ok(Next::At(at + 1));
        }
        self.lines.push(Out::Comment(format!(" left out because it is false: if {}", in_one_line(text))));
        let behind = self.behind_branch(at + 1);
        let other =
            self.item(behind).is_some_and(|p| matches!(&p.item.kind, ItemKind::Command { word, .. } if word == "else"));
        Ok(Next::At(if other { behind + 1 } else { behind }))
    }

    /// Behind a branch in braces, or of one statement.
    fn behind_branch(&self, at: usize) -> usize {
        let word = |k: usize| match self.item(k).map(|p| &p.item.kind) {
            Some(ItemKind::Command { word, .. }) => word.as_str(),
            _ => "",
        };
        if word(at) == "if" {
            // `else if`
            let behind = self.behind_branch(at + 1);
            return if word(behind) == "else" { self.behind_branch(behind + 1) } else { behind };
        }
        if word(at) != "{" {
            return self.behind_statement(at);
        }
        let mut depth = 0i32;
        for k in at..self.items.len() {
            depth += i32::from(word(k) == "{") - i32::from(word(k) == "}");
            if depth == 0 {
                return k + 1;
            }
        }
        self.items.len()
    }

    /// `lo to 4 times l4`: what comes back to where it was is a loop, and the rest is written out.
    fn repeat(&mut self, at: usize, label: &str, times: &Amount) -> Result<Next, Lost> {
        let Some(start) = self.labels.get(label).copied() else {
            return Err(format!("unknown label `{label}`"));
        };
        let Some(passed) = self.passed.get(label) else {
            return Err("it jumps to a line that is never reached".into());
        };
        let from = passed.lines;
        if self.received {
            let within = self.lines.get(..from).is_some_and(|before| before.iter().any(Out::acts));
            return if within { Err("a second acquisition in the same scan".into()) } else { Ok(Next::End) };
        }
        let same = passed.state.values == self.names.snapshot() && passed.state.sending.comes_back(&self.now);
        let throughout: Vec<usize> = passed.state.sending.on_until(&self.now).collect();
        let count = self.names.value(&times.expr)?.measured(0);
        let done = self.turns.get(&at).copied().unwrap_or(0);
        if same || self.lines.get(from..).is_some_and(|body| body.iter().all(|l| !l.acts())) {
            self.turns.remove(&at);
            let mut body: Vec<Out> =
                self.lines.split_off(from.min(self.lines.len())).into_iter().map(Out::repeated).collect();
            let done = blocks::join_turns(&mut self.lines, &mut body, done);
            let left = match (count.is_known(), done) {
                (true, _) => shown((count.number.trunc() - done as f64).max(0.0)),
                (false, 0) if count.number < 1.0 => format!("max(1, {})", whole(&count.text())),
                (false, 0) => whole(&count.text()),
                (false, _) => format!("max(0, {} - {done})", whole(&count.text())),
            };
            // A loop of a console does its body once before it counts.
            let left = if left == "0" && done == 0 { "1".to_string() } else { left };
            if body.iter().any(|line| matches!(line, Out::Other(text) if text.starts_with("mark "))) {
                self.lines.extend(body);
                return Err("a mark stands in this loop".into());
            }
            if body.iter().any(Out::acts) {
                self.lines.push(blocks::repeated(left, body, &throughout));
            } else {
                self.lines.extend(body);
            }
            return Ok(Next::At(at + 1));
        }
        let total = count.number.trunc().max(1.0) as usize;
        if done + 1 >= total {
            self.turns.remove(&at);
            return Ok(Next::At(at + 1));
        }
        if !count.is_known() {
            self.deciding.extend(times.name().map(str::to_string));
        }
        self.turns.insert(at, done + 1);
        Ok(Next::At(start))
    }

    /// Statements that the scan does not come to.
    fn rest(&mut self) {
        let program = self.program;
        let last = self.done.iter().next_back().copied().unwrap_or(0);
        let receives = |s: &Statement| s.items.iter().any(|i| matches!(i.kind, ItemKind::Go { .. }));
        let again = program.statements.iter().skip(last + 1).any(receives);
        for (k, statement) in program.statements.iter().enumerate() {
            if self.done.contains(&k) {
                continue;
            }
            self.comments_before(statement.span.start);
            if k > last && again && acts(statement) {
                self.lose(k, "it belongs to a later acquisition");
            } else if k > last {
                self.behind(statement);
            } else if acts(statement) {
                let words = self.text.get(statement.span.start as usize..statement.span.end as usize);
                let words = in_one_line(words.unwrap_or_default());
                self.lines.push(Out::Comment(format!(" not reached: {words}")));
            }
        }
        for left in &program.left_out {
            let lines = self.text.get(left.span.start as usize..left.span.end as usize).unwrap_or_default();
            self.lines.push(Out::Comment(format!(" left out by the preprocessor, {}:", left.condition)));
            for line in lines.lines().filter(|l| !l.trim().is_empty()) {
                self.lines.push(Out::Comment(format!("   {}", line.trim_end())));
            }
        }
        self.comments_before(u32::MAX);
    }

    /// The statements after the signal: rows of a two-dimensional experiment.
    fn behind(&mut self, statement: &Statement) {
        for item in &statement.items {
            if let ItemKind::Store { rows, .. } = &item.kind {
                for (word, rest) in rows {
                    self.lines.push(Out::Comment(format!(" rows: {word}{}", in_one_line(rest))));
                }
            }
            if let ItemKind::Command { word, rest, .. } = &item.kind
                && word.starts_with(['F', 'i'])
                && word != "if"
                && !SILENT.contains(&word.as_str())
            {
                self.lines.push(Out::Comment(format!(" between rows: {word}{}", in_one_line(rest))));
            }
        }
    }
}

/// A count of turns as a whole number.
fn whole(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { text.to_string() } else { format!("floor({text} + 1e-6)") }
}

/// Whether a statement does something to the spins.
fn acts(statement: &Statement) -> bool {
    let mut found = false;
    each(&statement.items, &mut |item| {
        found |= match &item.kind {
            ItemKind::Phase { .. } => true,
            ItemKind::Timed { modifiers, .. } => !modifiers.is_empty(),
            ItemKind::Command { word, .. } => {
                let head = word.trim_end_matches(|c: char| c.is_ascii_digit());
                matches!(head, "cpd" | "cpds" | "cw" | "gron")
            }
            _ => false,
        };
    });
    found
}

enum Next {
    At(usize),
    End,
}
