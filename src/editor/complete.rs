//! Completion.

use super::{Document, Kind};
use crate::ir::{
    AGGREGATES, BATH_SETTINGS, FIXED_NAMES, FUNCTIONS, FunctionInfo, OTHER_FUNCTIONS, PULSE_SHAPES, STATES,
    SYSTEM_PARTS,
};
use crate::metrics::METRICS;
use crate::spin::{ELECTRON, ISOTOPES, LOCAL_OPERATORS};
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::words::{Role, WORDS};
use crate::units::{CONSTANTS, UNITS};

/// A completion item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text to insert.
    pub word: String,
    /// Kind: keyword, unit, metric, isotope, function, or a kind of name.
    pub kind: &'static str,
    /// Its description.
    pub meaning: String,
}

fn of(word: impl Into<String>, kind: &'static str, meaning: impl Into<String>) -> Completion {
    Completion { word: word.into(), kind, meaning: meaning.into() }
}

/// Completions at a position, independent of what has been typed of the word (the editor filters). Most likely ones first.
pub fn completions(document: &Document, offset: u32) -> Vec<Completion> {
    let mut before: Vec<_> = document.tokens().filter(|t| t.span.end <= offset).collect();
    // The word being typed is not part of the context.
    let writing = before.last().is_some_and(|t| t.span.end == offset && matches!(t.kind, TokenKind::Name(_)));
    if writing {
        before.pop();
    }
    let context = before.as_slice();
    let line = document.text.get(..offset as usize).map_or("", |t| t.rsplit('\n').next().unwrap_or(""));
    if line.contains('#') {
        return vec![];
    }
    let first_of_line = line.trim_start().chars().all(|c| c.is_alphanumeric() || c == '_');
    let last = context.last().map(|t| t.kind);
    // After a number on the same line, a unit is expected.
    let same_line = context.last().is_some_and(|t| offset as usize - (t.span.end as usize) < line.len() + 1);
    if let (Some(TokenKind::Number(_)), true) = (last, same_line && !first_of_line) {
        return UNITS.iter().map(|u| of(u.symbol, "unit", u.name)).collect();
    }
    let (block, depth) = block(context);
    let words = |role: Role| WORDS.iter().filter(move |w| w.role == role).map(|w| of(w.word, "keyword", w.meaning));
    let mut out: Vec<Completion> = Vec::new();
    let behind = |wanted: &[&str]| matches!(last, Some(TokenKind::Name(w)) if wanted.contains(&w));
    if behind(&["pulse", "lock", "acquire", "decouple", "channel", "of", "lab"])
        || (block == "system" && matches!(last, Some(TokenKind::Sign(":"))))
    {
        let nuclei = ISOTOPES.iter().map(|i| of(i.symbol, "nucleus", format!("spin {}/2", i.twice_spin)));
        return nuclei
            .chain([of(ELECTRON.symbol, "nucleus", "an electron, spin 1/2 unless another follows")])
            .collect();
    }
    if is_behind_decoupled(context) {
        return PULSE_SHAPES.iter().filter(|s| s.train).map(|s| of(s.name, "function", s.meaning)).collect();
    }
    if behind(&["at"]) && matches!(block, "expect" | "measure") {
        return marks(document);
    }
    if behind(&["prepare"]) {
        return STATES.iter().map(|(word, _, meaning)| of(*word, "state", *meaning)).collect();
    }
    if first_of_line {
        match (depth, block) {
            (0, _) => return words(Role::Statement).collect(),
            (_, "noise") => return of_noise(depth),
            (_, "system") => return words(Role::SystemEntry).collect(),
            (_, "sequence" | "define") => {
                let calls = document.names.iter().filter(|n| n.kind == Kind::Define);
                let calls = calls.map(|n| of(n.name.clone(), "function", "a subsequence"));
                return words(Role::Event).chain(calls).collect();
            }
            _ => {}
        }
    }
    out.extend(declared(document));
    if matches!(block, "measure" | "expect" | "theory") {
        out.extend(METRICS.iter().map(|m| of(m.name, "metric", m.formula)));
        // `max` and `min` are functions as well.
        let aggregates = AGGREGATES.iter().filter(|a| FunctionInfo::named(a.name).is_none());
        out.extend(aggregates.map(|a| of(a.name, "function", a.meaning)));
    }
    out.extend(words(Role::Clause));
    out.extend(LOCAL_OPERATORS.iter().map(|(word, _, meaning)| of(*word, "operator", *meaning)));
    out.extend(SYSTEM_PARTS.iter().map(|(word, meaning)| of(*word, "operator", *meaning)));
    out.extend(FUNCTIONS.iter().map(|f| of(f.name, "function", f.meaning)));
    out.extend(FIXED_NAMES.iter().map(|(name, meaning)| of(*name, "constant", *meaning)));
    out.extend(CONSTANTS.iter().map(|c| of(c.symbol, "constant", c.meaning)));
    out.extend(OTHER_FUNCTIONS.iter().map(|(name, _, meaning)| of(*name, "function", *meaning)));
    out
}

/// The names that a file declares.
fn declared(document: &Document) -> Vec<Completion> {
    let mut out: Vec<Completion> = Vec::new();
    for n in &document.names {
        let (kind, meaning) = match n.kind {
            Kind::Param => ("parameter", "a parameter"),
            Kind::Operator => ("variable", "an operator"),
            Kind::Site => ("variable", "a subsystem"),
            Kind::Noise => ("variable", "a noise"),
            Kind::Cycle => ("variable", "a phase cycle"),
            Kind::Shape => ("variable", "a pulse shape"),
            Kind::State => ("variable", "a state"),
            Kind::Argument => ("parameter", "an argument or index"),
            Kind::Trace => ("variable", "a trace"),
            Kind::Result => ("variable", "a result"),
            Kind::Define | Kind::Mark | Kind::Title | Kind::Block => continue,
        };
        if !out.iter().any(|c| c.word == n.name) {
            out.push(of(n.name.clone(), kind, meaning));
        }
    }
    out
}

/// What begins a line of a noise: its entries, or the settings of a bath.
fn of_noise(depth: usize) -> Vec<Completion> {
    let entries = WORDS.iter().filter(|w| matches!(w.word, "collapse" | "bath"));
    match depth {
        1 => entries.map(|w| of(w.word, "keyword", w.meaning)).collect(),
        _ => BATH_SETTINGS.iter().map(|(_, word, _, meaning)| of(*word, "keyword", *meaning)).collect(),
    }
}

/// The marks of a file, and the end.
fn marks(document: &Document) -> Vec<Completion> {
    let named = document.names.iter().filter(|n| n.kind == Kind::Mark);
    named.map(|n| of(n.name.clone(), "mark", "a mark")).chain([of("end", "mark", "the end of the run")]).collect()
}

/// True after `decouple 13C`, where the sequence stands: a nucleus is a number and a name, the electron a name.
fn is_behind_decoupled(context: &[Token]) -> bool {
    let is = |token: &Token, word: &str| matches!(token.kind, TokenKind::Name(w) if w == word);
    if let [.., word, electron] = context
        && is(word, "decouple")
    {
        return is(electron, ELECTRON.symbol);
    }
    let [.., word, number, _] = context else { return false };
    is(word, "decouple") && matches!(number.kind, TokenKind::Number(_))
}

/// Keyword of the enclosing statement at file level, and the brace depth.
fn block<'a>(context: &[Token<'a>]) -> (&'a str, usize) {
    let (mut depth, mut head) = (0usize, "");
    for token in context {
        match token.kind {
            TokenKind::Sign("{") => depth += 1,
            TokenKind::Sign("}") => depth = depth.saturating_sub(1),
            TokenKind::Name(w) if depth == 0 && token.first_of_line => head = w,
            _ => {}
        }
    }
    (head, depth)
}
