//! Hover texts, as Markdown.

use super::document::Document;
use super::latex::latex;
use super::names::Kind;
use super::uses::uses;
use crate::hamiltonian::{Evaluator, Values};
use crate::ir::{BATH_SETTINGS, FIXED_NAMES, FUNCTIONS, Meaning, OTHER_FUNCTIONS, PulseShape, SYSTEM_PARTS};
use crate::metrics::Metric;
use crate::source::Span;
use crate::spin::{ELECTRON, FREE_G, Isotope, LOCAL_OPERATORS};
use crate::syntax::ast::ItemKind;
use crate::syntax::number_text;
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::words::WORDS;
use crate::units::{Constant, Unit};

/// True if a name stands where a nucleus is expected: behind a word that takes one, after the colon of a declaration, or as the argument of a
/// function of nuclei.
fn is_species(before: Option<Token>, document: &Document, span: Span) -> bool {
    const TAKE_ONE: [&str; 10] =
        ["pulse", "lock", "acquire", "decouple", "channel", "of", "lab", "offset", "rf", "detect"];
    match before.map(|t| t.kind) {
        Some(TokenKind::Name(word)) => TAKE_ONE.contains(&word),
        Some(TokenKind::Sign(":")) => true,
        Some(TokenKind::Sign("(")) => {
            let text = document.text.get(..span.start as usize).unwrap_or_default();
            crate::syntax::OF_SPECIES.iter().any(|word| text.ends_with(&format!("{word}(")))
        }
        _ => false,
    }
}

/// Description of the word at a position, and its span.
pub fn meaning(document: &Document, offset: u32) -> Option<(String, Span)> {
    let k = document.token_at(offset)?;
    let token = document.token(k)?;
    let before = k.checked_sub(1).and_then(|b| document.token(b));
    let after = document.token(k + 1);
    // `1H` is a number and a name without a blank in between.
    let nucleus = |a: Option<Token>, b: Option<Token>| {
        let (a, b) = (a?, b?);
        let together = a.span.end == b.span.start && matches!(a.kind, TokenKind::Number(_));
        let text = document.text.get(a.span.start as usize..b.span.end as usize)?;
        let isotope = Isotope::named(text).filter(|_| together)?;
        Some((isotope, Span { file: 0, start: a.span.start, end: b.span.end }))
    };
    if let Some((isotope, span)) = nucleus(before, Some(token)).or_else(|| nucleus(Some(token), after)) {
        let ratio = number_text((isotope.gamma / std::f64::consts::TAU * 1e-6 * 1e6).round() / 1e6);
        let text = format!(
            "**{}**: a nucleus of spin {}\n\n`gamma/2pi` = {ratio} MHz/T",
            isotope.symbol,
            if isotope.twice_spin % 2 == 0 {
                (isotope.twice_spin / 2).to_string()
            } else {
                format!("{}/2", isotope.twice_spin)
            },
        );
        return Some((text, span));
    }
    let TokenKind::Name(name) = token.kind else { return None };
    if name == ELECTRON.symbol && is_species(before, document, token.span) {
        let ratio = number_text((ELECTRON.gamma / std::f64::consts::TAU).round() / 1e6);
        let text = format!(
            "**e**: an electron of g = {}, of spin 1/2 unless another follows\n\n`gamma/2pi` = {ratio} MHz/T",
            number_text(FREE_G)
        );
        return Some((text, token.span));
    }
    if let Some((named, all)) = uses(document, offset) {
        return Some((of_name(document, &named.name, named.kind, named.span, all.len()), token.span));
    }
    if matches!(before.map(|t| t.kind), Some(TokenKind::Number(_)))
        && let Some(unit) = Unit::named(name)
    {
        return Some((format!("**{name}**: {}, {}", unit.name, unit.dimension), token.span));
    }
    let row = |text: String| Some((text, token.span));
    if let Some(metric) = Metric::named(name) {
        let source = if metric.source.is_empty() { String::new() } else { format!("\n\n{}", metric.source) };
        return row(format!("**{name}**: a metric\n\n`{}`{source}", metric.formula));
    }
    if let Some(word) = WORDS.iter().find(|w| w.word == name) {
        return row(format!("**{name}**: {}", word.meaning));
    }
    if let Some((.., meaning)) = BATH_SETTINGS.iter().find(|(_, word, ..)| *word == name) {
        return row(format!("**{name}**: {meaning}"));
    }
    if let Some((_, _, meaning)) = LOCAL_OPERATORS.iter().find(|(w, ..)| *w == name) {
        return row(format!("**{name}**: {meaning}"));
    }
    if let Some((_, meaning)) = SYSTEM_PARTS.iter().chain(FIXED_NAMES).find(|(w, _)| *w == name) {
        return row(format!("**{name}**: {meaning}"));
    }
    if let Some((_, arguments, meaning)) = OTHER_FUNCTIONS.iter().find(|(other, ..)| *other == name) {
        return row(format!("**{name}{arguments}**: {meaning}"));
    }
    if let Some(shape) = PulseShape::named(name) {
        return row(format!("**{name}**: {}", shape.meaning));
    }
    if let Some(constant) = Constant::named(name) {
        return row(format!("**{name}**: {}", constant.meaning));
    }
    FUNCTIONS.iter().find(|f| f.name == name).and_then(|f| row(format!("**{name}**: {}", f.meaning)))
}

/// Description of a declared name: kind, value at the default parameters, and declaration.
fn of_name(document: &Document, name: &str, kind: Kind, span: Span, count: usize) -> String {
    let what = match kind {
        Kind::Param => "a parameter",
        Kind::Operator => "an operator",
        Kind::Site => "a subsystem",
        Kind::State => "a state",
        Kind::Noise => "a noise",
        Kind::Cycle => "a phase cycle",
        Kind::Shape => "a pulse shape",
        Kind::Define => "a subsequence",
        Kind::Argument => "an argument or index",
        Kind::Mark => "a mark",
        Kind::Trace => "a trace",
        Kind::Result => "a result",
        Kind::Title | Kind::Block => "a part of the file",
    };
    let line = document.text.get(..span.start as usize).map_or(1, |t| t.matches('\n').count() + 1);
    let mut out = format!("**{name}**: {what}");
    if let Some(compiled) = &document.compiled {
        let scope = compiled.experiment.scope();
        match (kind, scope.names.get(name)) {
            (Kind::Param, Some(Meaning::Param(dimension))) => {
                out += &format!(", {}", dimension);
                if let Ok(e) = Evaluator::new(&compiled.experiment, &Values::new())
                    && let Some(value) = e.values.get(name)
                {
                    out += &format!("\n\n`{name}` = {} {}", number_text(*value), dimension.si_unit());
                }
            }
            (Kind::Param, Some(Meaning::List(dimension))) => out += &format!(", a list, each {}", dimension),
            (Kind::Operator, Some(Meaning::Operator(dimension))) => out += &format!(", {}", dimension),
            _ => {}
        }
    }
    for item in &document.program.items {
        if let ItemKind::Hamiltonian(n, value) | ItemKind::Operator(n, value) = &item.kind
            && kind == Kind::Operator
            && n.text == name
        {
            out += &format!("\n\n$$ {name} = {} $$", latex(value));
        }
    }
    out + &format!("\n\nline {line}, used {} times", count.saturating_sub(1))
}
