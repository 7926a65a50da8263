//! What a pulse program uses and does not define, and what it does that no console can.

use super::expression::{Amount, assignments};
use super::mistake::mistake;
use super::tree::{Item, ItemKind, PulseProgram, each};
use super::words;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use std::collections::BTreeSet;

struct Known<'a> {
    labels: BTreeSet<&'a str>,
    phases: BTreeSet<usize>,
    names: BTreeSet<String>,
    macros: BTreeSet<&'a str>,
    /// Whether files are included, which may bring macros of their own: words in capitals.
    includes: bool,
}

/// All mistakes of this kind.
pub fn check(program: &PulseProgram) -> Vec<Diagnostic> {
    let known = known(program);
    let mut said = Vec::new();
    for statement in &program.statements {
        each(&statement.items, &mut |item| of_item(item, &known, &mut said));
    }
    said
}

fn known(program: &PulseProgram) -> Known<'_> {
    let labels = program.statements.iter().filter_map(|s| s.label.as_ref()).map(|(label, _)| label.as_str()).collect();
    let mut names = BTreeSet::new();
    for item in program.statements.iter().flat_map(|s| &s.items) {
        match &item.kind {
            ItemKind::Define { name, value, .. } => {
                names.insert(name.clone());
                // `define delay A B` has several names.
                names.extend(value.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(str::to_string));
            }
            ItemKind::Relation(text) => names.extend(assignments(text).into_iter().map(|(name, _)| name)),
            _ => {}
        }
    }
    Known {
        labels,
        phases: program.phases.iter().map(|p| p.number).collect(),
        names,
        macros: program.macros.iter().map(String::as_str).collect(),
        includes: !program.includes.is_empty(),
    }
}

impl Known<'_> {
    fn label(&self, (label, span): &(String, Span), said: &mut Vec<Diagnostic>) {
        if self.labels.contains(label.as_str()) || self.macros.contains(label.as_str()) {
            return;
        }
        let known: Vec<&str> = self.labels.iter().copied().collect();
        let diagnostic = Diagnostic::new(Code::Undefined, *span, format!("unknown label `{label}`"));
        said.push(diagnostic.label("undefined label").help(format!("labels are: {}", known.join(", "))));
    }

    fn phase(&self, number: usize, span: Span, said: &mut Vec<Diagnostic>) {
        if !self.phases.contains(&number) {
            let diagnostic = Diagnostic::new(Code::Undefined, span, format!("`ph{number}` has no list of phases"));
            said.push(diagnostic.label("not defined").help(format!("define it after `exit`: ph{number}=0 2")));
        }
    }

    /// A word that is a length of time, or stands in one.
    fn name(&self, word: &str, span: Span, said: &mut Vec<Diagnostic>) {
        let capital = word.chars().all(|c| !c.is_lowercase());
        let known = words::kind_of(word).is_some()
            || self.names.contains(word)
            || self.macros.contains(word)
            || self.includes && capital
            // Numbers of data sets: `td`, `td1`, `ns`, `nbl`.
            || matches!(words::split(word).0, "td" | "ns" | "ds" | "nbl" | "NBL");
        if known {
            return;
        }
        let diagnostic = Diagnostic::new(Code::Undefined, span, format!("unknown word, delay, pulse or list `{word}`"));
        let candidates = words::all().map(str::to_string).chain(self.names.iter().cloned()).collect::<Vec<_>>();
        let diagnostic = diagnostic.label("unknown").did_you_mean(word, candidates.iter().map(String::as_str));
        said.push(match words::near_numbered(word) {
            Some(hint) => diagnostic.help(hint),
            None => diagnostic
                .help(format!("define it with `define delay {word}` or `define list<delay> {word}=<$VDLIST>`")),
        });
    }

    fn amount(&self, amount: &Amount, said: &mut Vec<Diagnostic>) {
        amount.expr.names(&mut |name| {
            if name != "PI" {
                self.name(name, amount.span, said);
            }
        });
        if amount.expr.value(&|_| None).is_some_and(|x| x < 0.0) {
            said.push(negative(amount.span));
        }
    }
}

fn negative(span: Span) -> Diagnostic {
    mistake(span, "a delay cannot be negative", "negative", "use a positive time")
}

fn of_item(item: &Item, known: &Known, said: &mut Vec<Diagnostic>) {
    match &item.kind {
        ItemKind::Timed { length, .. } => known.amount(length, said),
        ItemKind::Phase { number, .. } => known.phase(*number, item.span, said),
        ItemKind::Go { to, .. } | ItemKind::Goto { to } | ItemKind::Store { to, .. } => known.label(to, said),
        ItemKind::Loop { to, times } => {
            known.label(to, said);
            known.amount(times, said);
        }
        ItemKind::Relation(text) => {
            for (name, expr) in assignments(text) {
                let timed = matches!(words::split(&name).0, "d" | "p") && !words::split(&name).1.is_empty();
                if timed && matches!(expr.value(&|_| None), Some(x) if x < 0.0) {
                    said.push(negative(item.span));
                }
            }
            unbalanced(text, item.span, said);
        }
        ItemKind::Command { word, rest, .. } => {
            if let Some(list) = rest.strip_prefix('.') {
                list_operation(word, list, item.span, known, said);
            } else if words::kind_of(word).is_none() && !matches!(word.as_str(), "{" | "}") && !word.starts_with('F') {
                known.name(word, item.span, said);
            }
        }
        ItemKind::Group { .. } | ItemKind::Define { .. } => {}
    }
}

/// `vd_list.inc`
fn list_operation(list: &str, operation: &str, span: Span, known: &Known, said: &mut Vec<Diagnostic>) {
    known.name(list, span, said);
    const OPERATIONS: &[&str] = &["inc", "dec", "res", "idx", "len", "max", "store", "load"];
    let word: String = operation.chars().take_while(|c| c.is_alphanumeric()).collect();
    if !OPERATIONS.contains(&word.as_str()) {
        let diagnostic = Diagnostic::new(Code::PulseProgram, span, format!("a list has no `.{word}`"));
        said.push(
            diagnostic
                .label("unknown")
                .did_you_mean(&word, OPERATIONS.iter().copied())
                .help("`.inc` takes the next entry"),
        );
    }
}

fn unbalanced(text: &str, span: Span, said: &mut Vec<Diagnostic>) {
    let count = |c: char| text.matches(c).count();
    if count('(') != count(')') {
        said.push(mistake(span, "unbalanced parentheses in a relation", "unbalanced", "close every open parenthesis"));
    }
    let empty = text.split_once('=').is_some_and(|(_, value)| value.trim().is_empty());
    if empty {
        said.push(mistake(span, "a relation without a value", "missing value after `=`", "write one: \"p3=p1*0.5\""));
    }
}
