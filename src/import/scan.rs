//! What one scan of a pulse program does, as statements of a sequence.

use super::parameters::Parameters;
use crate::diagnostic::{Code, Diagnostic};
use crate::pulse_program::expression::{Amount, Expr, assignments};
use crate::pulse_program::tree::{Item, ItemKind, Modifier, PulseProgram, Statement};
use crate::source::in_one_line;
use crate::spin::{is_mirrored, mirrored};
use std::collections::{BTreeMap, BTreeSet};

/// Commands that nothing of a sequence depends on.
const SILENT: &[&str] =
    &["ze", "zd", "exit", "BLKGRAD", "UNBLKGRAD", "BLKGRAMP", "UNBLKGRAMP", "baseopt_echo", "prosol", "aqseq"];

/// A line of a sequence.
#[derive(Debug, Clone, PartialEq)]
enum Out {
    /// Terms of a delay.
    Delay(Vec<String>),
    /// A pulse, and its length where the file has it without one.
    Pulse(String, Option<String>),
    Other(String),
    Comment(String),
    Loop(String, Vec<Line>),
}

#[derive(Debug, Clone, PartialEq)]
struct Line {
    label: Option<String>,
    out: Out,
}

/// Declarations and sequence, the nuclei, and what is not understood.
pub fn body(program: &PulseProgram, text: &str, parameters: &Parameters) -> (String, Vec<String>, Vec<Diagnostic>) {
    let mut scan = Scan {
        program,
        text,
        parameters,
        said: vec![],
        unknown: BTreeMap::new(),
        relations: relations(program),
        swept: BTreeSet::new(),
        shapes: BTreeSet::new(),
        nuclei: vec![],
        powers: BTreeMap::new(),
        lines: vec![],
        cycles: BTreeSet::new(),
        begun: false,
    };
    scan.nucleus(1);
    scan.walk();
    let mut lines = std::mem::take(&mut scan.lines);
    lengthen(&mut lines);
    let mut out = scan.declarations();
    out += "sequence {\n    prepare thermal\n";
    write(&lines, 1, &mut out);
    out += "}\n";
    out += &scan.sweeps();
    (out, scan.nuclei, scan.said)
}

/// Delays beside pulses that the file has without length are longer by half of them: the exporter made them shorter.
fn lengthen(lines: &mut [Line]) {
    for k in 0..lines.len() {
        let length = match lines.get_mut(k) {
            Some(Line { out: Out::Loop(_, body), .. }) => {
                lengthen(body);
                continue;
            }
            Some(Line { out: Out::Pulse(_, Some(length)), .. }) => length.clone(),
            _ => continue,
        };
        let passed = |line: &Line| {
            matches!(&line.out, Out::Comment(_)) || matches!(&line.out, Out::Other(text) if text.starts_with("mark "))
        };
        let before = (0..k).rev().find(|j| lines.get(*j).is_some_and(|l| !passed(l)));
        let behind = (k + 1..lines.len()).find(|j| lines.get(*j).is_some_and(|l| !passed(l)));
        for neighbour in [before, behind].into_iter().flatten() {
            if let Some(Line { out: Out::Delay(terms), .. }) = lines.get_mut(neighbour) {
                terms.push(format!("{length}/2"));
            }
        }
    }
}

fn write(lines: &[Line], depth: usize, out: &mut String) {
    let blanks = "    ".repeat(depth);
    for line in lines {
        match &line.out {
            Out::Delay(terms) => *out += &format!("{blanks}delay {}\n", terms.join(" + ")),
            Out::Pulse(text, _) | Out::Other(text) => *out += &format!("{blanks}{text}\n"),
            Out::Comment(text) => *out += &format!("{blanks}#{}\n", in_one_line(text)),
            Out::Loop(count, body) => {
                *out += &format!("{blanks}loop {count} {{\n");
                write(body, depth + 1, out);
                *out += &format!("{blanks}}}\n");
            }
        }
    }
}

struct Scan<'a> {
    program: &'a PulseProgram,
    text: &'a str,
    parameters: &'a Parameters,
    said: Vec<Diagnostic>,
    /// Parameters whose numbers are not given, with a number to begin with.
    unknown: BTreeMap<String, String>,
    /// Relations of the program.
    relations: BTreeMap<String, Expr>,
    /// Lists that run from row to row.
    swept: BTreeSet<String>,
    shapes: BTreeSet<String>,
    nuclei: Vec<String>,
    /// The power level of every channel.
    powers: BTreeMap<usize, String>,
    lines: Vec<Line>,
    /// Phase programs by number, and whether their phases are those of a nucleus that is counted the other way.
    cycles: BTreeSet<(usize, bool)>,
    /// Whether something was sent: delays before are those between scans.
    begun: bool,
}

impl Scan<'_> {
    /// The line of a place, from 0.
    fn line_of(&self, at: u32) -> usize {
        self.text.bytes().take(at as usize).filter(|b| *b == b'\n').count()
    }

    fn push(&mut self, label: Option<&str>, out: Out) {
        self.lines.push(Line { label: label.map(str::to_string), out });
    }

    /// The nucleus of a channel.
    fn nucleus(&mut self, channel: usize) -> String {
        let told =
            self.parameters.names.get(&format!("nuc{channel}")).filter(|n| crate::spin::Isotope::named(n).is_some());
        let usual = ["1H", "13C", "15N", "31P"].get(channel.saturating_sub(1)).copied().unwrap_or("1H");
        let nucleus = told.cloned().unwrap_or_else(|| usual.to_string());
        if !self.nuclei.contains(&nucleus) {
            self.nuclei.push(nucleus.clone());
        }
        nucleus
    }

    /// All lines and comments of a scan, in the order of the text.
    fn walk(&mut self) {
        let program = self.program;
        let go = program.statements.iter().position(|s| s.items.iter().any(|i| matches!(i.kind, ItemKind::Go { .. })));
        let end = go.unwrap_or(program.statements.len().saturating_sub(1));
        let to = program.statements.get(end).and_then(|s| {
            s.items.iter().find_map(|i| if let ItemKind::Go { to, .. } = &i.kind { Some(to.0.as_str()) } else { None })
        });
        let start = program
            .statements
            .iter()
            .position(|s| s.label.as_ref().is_some_and(|l| Some(l.0.as_str()) == to))
            .unwrap_or(0);
        let statement_lines: BTreeSet<usize> = program.statements.iter().map(|s| self.line_of(s.span.start)).collect();
        let mut comments = program.comments.iter().peekable();
        for (k, statement) in program.statements.iter().enumerate() {
            while let Some((comment, span)) = comments.next_if(|(_, span)| span.start < statement.span.start) {
                self.comment(comment, self.line_of(span.start), &statement_lines);
            }
            let own = self.line_of(statement.span.start);
            let tag =
                program.comments.iter().find(|(_, s)| self.line_of(s.start) == own && s.start >= statement.span.end);
            let tag = tag.map_or(String::new(), |(text, _)| text.trim().to_string());
            if (start..=end).contains(&k) {
                self.statement(statement, &tag);
            } else {
                self.outside(statement);
            }
        }
        for (comment, span) in comments {
            self.comment(comment, self.line_of(span.start), &statement_lines);
        }
    }

    fn comment(&mut self, comment: &str, line: usize, statements: &BTreeSet<usize>) {
        match comment.trim().strip_prefix("mark ") {
            Some(name) => self.push(None, Out::Other(format!("mark {}", name.trim()))),
            // What stands behind a statement tells how it is meant.
            None if statements.contains(&line)
                && matches!(comment.trim(), "ideal" | "crush" | "crush that takes its time" | "not emulated") => {}
            None => comment.lines().for_each(|line| self.push(None, Out::Comment(line.trim_end().to_string()))),
        }
    }

    /// Relations and definitions have done their work; loops of rows are sweeps.
    fn outside(&mut self, statement: &Statement) {
        let known = |item: &Item| match &item.kind {
            ItemKind::Relation(_)
            | ItemKind::Define { .. }
            | ItemKind::Store { .. }
            | ItemKind::Loop { .. }
            | ItemKind::Timed { .. } => true,
            ItemKind::Command { word, .. } => {
                SILENT.contains(&word.as_str())
                    || matches!(word.as_str(), "wr" | "if" | "ivd" | "ivp" | "ivc" | "do")
                    || word.starts_with("F1")
            }
            _ => false,
        };
        if !statement.items.iter().all(known) {
            self.not_read(statement);
        }
    }

    fn not_read(&mut self, statement: &Statement) {
        let words = self.text.get(statement.span.start as usize..statement.span.end as usize).unwrap_or_default();
        self.push(None, Out::Comment(format!(" not read: {}", in_one_line(words))));
        self.said.push(
            Diagnostic::new(Code::UnknownConstruct, statement.span, "this line is not read")
                .label("kept as a comment")
                .help("write what it does as statements of the sequence"),
        );
    }

    fn statement(&mut self, statement: &Statement, tag: &str) {
        let before = self.lines.len();
        let mut label = statement.label.as_ref().map(|l| l.0.clone());
        let mut items = statement.items.as_slice();
        while let [item, rest @ ..] = items {
            items = rest;
            let phase = match rest.first().map(|i| &i.kind) {
                Some(ItemKind::Phase { number, .. }) => Some(*number),
                _ => None,
            };
            let done = match &item.kind {
                ItemKind::Timed { length, modifiers } => match phase {
                    Some(number) => {
                        items = rest.get(1..).unwrap_or_default();
                        self.pulse(length, modifiers, number, channel_of(modifiers), tag)
                            .map(|p| self.push(label.take().as_deref(), p))
                    }
                    None => self.timed(length, modifiers, tag, label.take()),
                },
                ItemKind::Group { align, members, modifiers } => {
                    self.group(align.as_deref(), members, modifiers, tag, &mut label)
                }
                ItemKind::Command { word, modifiers, .. } => self.command(word, modifiers),
                ItemKind::Relation(_) | ItemKind::Define { .. } => Some(()),
                ItemKind::Loop { to, times } => self.repeated(&to.0, times),
                ItemKind::Go { .. } => {
                    let number = phase;
                    items = rest.get(usize::from(number.is_some())..).unwrap_or_default();
                    self.acquire(number);
                    Some(())
                }
                ItemKind::Phase { .. } | ItemKind::Goto { .. } | ItemKind::Store { .. } => None,
            };
            if done.is_none() {
                self.lines.truncate(before);
                self.not_read(statement);
                return;
            }
        }
        // A label without a line of its own belongs to what follows.
        if let Some(label) = label {
            self.push(Some(&label), Out::Comment(format!(" {label}")));
        }
    }

    /// A length as text: a number in seconds, or the name of a parameter.
    fn length(&mut self, length: &Amount, example: &'static str) -> String {
        if let Some(name) =
            length.name().filter(|n| self.parameters.lists.contains_key(*n) || matches!(*n, "vd" | "vp" | "vc"))
        {
            self.swept.insert(name.to_string());
            return name.to_string();
        }
        match self.parameters.value(&length.expr) {
            Some(x) => format!("{} s", shown(x)),
            None => {
                self.declare(&length.expr, example);
                self.expression(&length.expr)
            }
        }
    }

    /// Declares the parameters of an expression whose numbers are not given: by their relations, where they have some.
    fn declare(&mut self, expr: &Expr, example: &'static str) {
        // Those before a scan are only told.
        if !self.begun {
            return;
        }
        let mut names = Vec::new();
        expr.names(&mut |name| names.push(name.to_string()));
        for name in names {
            if self.parameters.numbers.contains_key(&name) || self.unknown.contains_key(&name) {
                continue;
            }
            let related = self.relations.get(&name).cloned();
            let told =
                related.as_ref().map_or(format!("{example}    # its number is not given"), |x| self.expression(x));
            self.unknown.insert(name, told);
            if let Some(related) = related {
                self.declare(&related, example);
            }
        }
    }

    fn expression(&self, expr: &Expr) -> String {
        match expr {
            // Lone numbers are factors, those of times are small.
            Expr::Number(x) if *x < 0.5 => format!("{} s", shown(*x)),
            Expr::Number(x) => shown(*x),
            Expr::Name(name) => match self.parameters.numbers.get(name) {
                Some(x) => format!("{} s", shown(*x)),
                None => name.clone(),
            },
            Expr::Minus(x) => format!("-({})", self.expression(x)),
            Expr::Binary(sign, a, b) => format!("({} {sign} {})", self.expression(a), self.expression(b)),
            Expr::Call(name, arguments) => {
                let name = match name.as_str() {
                    "larger" => "max",
                    "smaller" => "min",
                    other => other,
                };
                format!("{name}({})", arguments.iter().map(|x| self.expression(x)).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn timed(&mut self, length: &Amount, modifiers: &[Modifier], tag: &str, label: Option<String>) -> Option<()> {
        let gradient = modifiers.iter().find(|m| m.word.starts_with("gp"));
        if let Some(gradient) = gradient {
            self.begun = true;
            let time = self.length(length, "1 ms");
            if tag.starts_with("crush") {
                self.push(label.as_deref(), Out::Other("crush".into()));
                if tag != "crush" {
                    self.push(None, Out::Delay(vec![time]));
                }
                return Some(());
            }
            let strength = self.parameters.strengths.get(&gradient.word.replace("gp", "gpz")).copied();
            let strength = strength.filter(|_| gradient.argument.is_empty())?;
            self.push(label.as_deref(), Out::Other(format!("gradient {} T/m for {time}", shown(strength))));
            return Some(());
        }
        if !modifiers.is_empty() {
            return None;
        }
        let time = self.length(length, "1 ms");
        // Before anything is sent, delays are those between scans; those that are not emulated take no time.
        let out = match (self.begun, tag) {
            (false, _) => Out::Comment(format!(" between scans: {time}")),
            (true, "not emulated") => Out::Comment(format!(" on the console: {time}")),
            (true, _) => Out::Delay(vec![time]),
        };
        self.push(label.as_deref(), out);
        Some(())
    }

    /// A phase program as phases of a nucleus.
    fn phase(&mut self, number: usize, nucleus: &str) -> Option<String> {
        let list = self.program.phases.iter().find(|p| p.number == number)?.degrees.clone()?;
        if let [one] = list.as_slice() {
            return Some(format!("{} deg", shown(mirrored(nucleus, *one).rem_euclid(360.0))));
        }
        self.cycles.insert((number, is_mirrored(nucleus)));
        Some(cycle_name(number, is_mirrored(nucleus)))
    }

    fn pulse(
        &mut self,
        length: &Amount,
        modifiers: &[Modifier],
        phase: usize,
        channel: usize,
        tag: &str,
    ) -> Option<Out> {
        if modifiers.iter().any(|m| !m.argument.is_empty() && m.argument != "(currentpower)") {
            return None;
        }
        self.begun = true;
        let nucleus = self.nucleus(channel);
        let (phase, time) = (self.phase(phase, &nucleus)?, self.length(length, "10 us"));
        let shape = modifiers.iter().find(|m| m.word.starts_with("sp")).map(|m| m.word.clone());
        let level =
            shape.clone().or_else(|| self.powers.get(&channel).cloned()).unwrap_or_else(|| format!("pl{channel}"));
        let strength = match self.parameters.strengths.get(&level) {
            Some(x) => format!("{} Hz", shown(*x)),
            None => {
                self.unknown.insert(format!("rf_{level}"), "25 kHz    # its number is not given".into());
                format!("rf_{level}")
            }
        };
        if tag == "ideal" && shape.is_none() {
            let text = format!("pulse {nucleus} 360 deg * {strength} * {time} phase {phase} ideal");
            return Some(Out::Pulse(text, Some(time)));
        }
        let shape = match shape {
            Some(shape) => {
                let name = format!("shape_{shape}");
                self.shapes.insert(shape);
                format!(" shape = {name}")
            }
            None => String::new(),
        };
        Some(Out::Pulse(format!("pulse {nucleus} phase {phase} rf = {strength} duration = {time}{shape}"), None))
    }

    fn group(
        &mut self,
        align: Option<&str>,
        members: &[Item],
        modifiers: &[Modifier],
        tag: &str,
        label: &mut Option<String>,
    ) -> Option<()> {
        let mut found: Vec<Out> = Vec::new();
        let mut items = members;
        while let [item, rest @ ..] = items {
            items = rest;
            match &item.kind {
                ItemKind::Group { members, modifiers, align: None } => {
                    let at = self.lines.len();
                    self.group(None, members, modifiers, tag, &mut None)?;
                    found.extend(self.lines.drain(at..).map(|line| line.out));
                }
                ItemKind::Timed { length, modifiers: own } => {
                    let ahead = rest.iter().take_while(|i| matches!(&i.kind, ItemKind::Command { .. })).count();
                    for command in rest.iter().take(ahead) {
                        if let ItemKind::Command { word, .. } = &command.kind {
                            self.powers.insert(channel_of(modifiers), word.clone());
                        }
                    }
                    match rest.get(ahead).map(|i| &i.kind) {
                        Some(ItemKind::Phase { number, .. }) => {
                            items = rest.get(ahead + 1..).unwrap_or_default();
                            found.push(self.pulse(length, own, *number, channel_of(modifiers), tag)?);
                        }
                        _ if own.is_empty() => {
                            let time = self.length(length, "1 ms");
                            found.push(Out::Delay(vec![time]));
                        }
                        _ => return None,
                    }
                }
                ItemKind::Command { word, .. } => drop(self.powers.insert(channel_of(modifiers), word.clone())),
                _ => return None,
            }
        }
        let align = match align {
            None => {
                for out in found {
                    self.push(label.take().as_deref(), out);
                }
                return Some(());
            }
            Some("center") => "centre",
            Some("ralign") => "end",
            Some("lalign") => "start",
            Some(_) => return None,
        };
        let pulses: Option<Vec<(String, Option<String>)>> = found
            .into_iter()
            .map(|out| if let Out::Pulse(text, length) = out { Some((text, length)) } else { None })
            .collect();
        let pulses = pulses?;
        let inner: Vec<String> = pulses.iter().map(|(text, _)| format!("        {text}\n")).collect();
        let lengths: Option<Vec<String>> = pulses.iter().map(|(_, length)| length.clone()).collect();
        let longest = lengths.map(|all| all.into_iter().reduce(|a, b| format!("max({a}, {b})")).unwrap_or_default());
        self.push(
            label.take().as_deref(),
            Out::Pulse(format!("parallel align {align} {{\n{}    }}", inner.concat()), longest),
        );
        Some(())
    }

    fn command(&mut self, word: &str, modifiers: &[Modifier]) -> Option<()> {
        if word.starts_with("pl") {
            self.powers.insert(channel_of(modifiers), word.to_string());
            return Some(());
        }
        SILENT.contains(&word).then_some(())
    }

    fn repeated(&mut self, to: &str, times: &Amount) -> Option<()> {
        let start = self.lines.iter().rposition(|line| line.label.as_deref() == Some(to))?;
        let count = match (times.name(), self.parameters.value(&times.expr)) {
            (Some(name), _) if self.parameters.lists.contains_key(name) => {
                self.swept.insert(name.to_string());
                name.to_string()
            }
            (_, Some(x)) => shown(x),
            (Some(name), None) => {
                self.unknown.insert(name.to_string(), "1    # its number is not given".into());
                name.to_string()
            }
            (None, None) => return None,
        };
        let body = self.lines.split_off(start);
        let label = Some(to.to_string());
        self.lines.push(Line { label, out: Out::Loop(count, body) });
        Some(())
    }

    fn acquire(&mut self, phase: Option<usize>) {
        let nucleus = self.nucleus(1);
        match self.parameters.numbers.get("td").zip(self.parameters.numbers.get("swh")) {
            Some((td, swh)) => {
                let phase = phase.and_then(|n| self.phase(n, &nucleus)).unwrap_or_else(|| "0 deg".into());
                let (points, dwell) = (shown((td / 2.0).floor()), shown(1.0 / swh));
                self.push(None, Out::Other(format!("acquire {nucleus} points {points} dwell {dwell} s phase {phase}")));
            }
            None => self.push(None, Out::Comment(format!(" received here: acquire {nucleus} points 1024 dwell 10 us"))),
        }
    }

    /// Parameters, shapes and cycles.
    fn declarations(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.unknown {
            out += &format!("param {name} = {value}\n");
        }
        for name in &self.swept {
            let first = self.parameters.lists.get(name).and_then(|l| l.first());
            let unit = if is_count(name) { "" } else { " s" };
            out += &match first {
                Some(x) => format!("param {name} = {}{unit}\n", shown(*x)),
                None => format!("param {name} = 1 ms    # its list is not given\n"),
            };
        }
        for shape in &self.shapes {
            let file =
                self.parameters.names.get(&shape.replace("sp", "spnam")).cloned().unwrap_or_else(|| shape.clone());
            out += &format!("shape shape_{shape} = \"{file}\"\n");
        }
        for (number, mirrored) in &self.cycles {
            let list = self.program.phases.iter().find(|p| p.number == *number).and_then(|p| p.degrees.clone());
            let degrees = |x: &f64| if *mirrored && *x != 0.0 { (-x).rem_euclid(360.0) } else { *x };
            let all: Vec<String> =
                list.unwrap_or_default().iter().map(|x| format!("{} deg", shown(degrees(x)))).collect();
            out += &format!("cycle {} = {}\n", cycle_name(*number, *mirrored), all.join(", "));
        }
        if out.is_empty() { out } else { out + "\n" }
    }

    /// The rows, as one sweep.
    fn sweeps(&self) -> String {
        let known: Vec<(&String, &Vec<f64>)> =
            self.swept.iter().filter_map(|n| Some((n, self.parameters.lists.get(n)?))).collect();
        if known.is_empty() {
            return String::new();
        }
        let mut out = String::from("sweep zip {\n");
        for (name, values) in known {
            let unit = if is_count(name) { "" } else { " s" };
            let all: Vec<String> = values.iter().map(|x| format!("{}{unit}", shown(*x))).collect();
            out += &format!("    {name} = {}\n", all.join(", "));
        }
        out + "}\n"
    }
}

fn is_count(list: &str) -> bool {
    list.starts_with("vc")
}

/// The last relation of every parameter.
fn relations(program: &PulseProgram) -> BTreeMap<String, Expr> {
    let items = program.statements.iter().flat_map(|s| &s.items);
    let all =
        items.filter_map(|item| if let ItemKind::Relation(text) = &item.kind { Some(assignments(text)) } else { None });
    all.flatten().collect()
}

/// The channel that is named behind a colon, else the first.
fn channel_of(modifiers: &[Modifier]) -> usize {
    modifiers.iter().find_map(|m| m.word.strip_prefix('f').and_then(|n| n.parse().ok())).unwrap_or(1)
}

/// A number with fourteen digits: a unit that is multiplied in leaves its rounding behind them.
fn shown(x: f64) -> String {
    let rounded = format!("{x:.13e}").parse().unwrap_or(x);
    crate::syntax::number_text(rounded)
}

/// The name of the cycle of a phase program.
fn cycle_name(number: usize, mirrored: bool) -> String {
    if mirrored { format!("ph{number}") } else { format!("ph{number}_negative_gamma") }
}
