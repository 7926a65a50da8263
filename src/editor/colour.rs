//! Semantic highlighting.

use super::document::Document;
use super::names::Kind;
use crate::ir::{FUNCTIONS, STATES};
use crate::metrics::Metric;
use crate::source::Span;
use crate::spin::LOCAL_OPERATORS;
use crate::syntax::token::{Token, TokenKind};
use crate::syntax::words::is_word;
use crate::units::Unit;
use std::collections::HashMap;

/// Kinds of semantic tokens, in the order of their indices; names of the language server protocol.
pub const COLOURS: &[&str] =
    &["keyword", "number", "string", "comment", "type", "function", "parameter", "variable", "property", "operator"];

/// Spans with the indices of their kinds, in order.
pub fn colours(document: &Document) -> Vec<(Span, usize)> {
    let number = |name: &str| COLOURS.iter().position(|c| *c == name).unwrap_or(0);
    let mut out: Vec<(Span, usize)> = Vec::new();
    let mut done = 0usize;
    let mut last: Option<Token> = None;
    let mut kinds: HashMap<&str, Kind> = HashMap::new();
    for named in &document.names {
        kinds.entry(&named.name).or_insert(named.kind);
    }
    for token in document.tokens() {
        let before = last.replace(token);
        comments(&document.text, done, token.span.start as usize, &mut out, number("comment"));
        done = token.span.end as usize;
        let numbered = matches!(before.map(|t| t.kind), Some(TokenKind::Number(_)));
        let colour = match token.kind {
            TokenKind::Number(_) => "number",
            TokenKind::Text(_) => "string",
            TokenKind::Name(name)
                if numbered && before.is_some_and(|b| b.span.end == token.span.start) && !name.is_empty() =>
            {
                "type"
            }
            TokenKind::Name(name) if numbered && Unit::named(name).is_some() => "type",
            TokenKind::Name(name) => match kinds.get(name) {
                Some(Kind::Param | Kind::Argument) => "parameter",
                Some(Kind::Define) => "function",
                Some(Kind::Mark | Kind::Trace | Kind::Result) => "property",
                Some(_) => "variable",
                None if is_word(name) => "keyword",
                None if Metric::named(name).is_some() || FUNCTIONS.iter().any(|f| f.name == name) => "function",
                None if LOCAL_OPERATORS.iter().any(|(w, ..)| *w == name) => "operator",
                None if STATES.iter().any(|(w, ..)| *w == name) => "function",
                None => continue,
            },
            TokenKind::Sign(_) | TokenKind::End => continue,
        };
        out.push((token.span, number(colour)));
    }
    out
}

/// Appends the comments between two positions.
fn comments(text: &str, from: usize, to: usize, out: &mut Vec<(Span, usize)>, colour: usize) {
    let Some(between) = text.get(from..to) else { return };
    let mut at = from;
    for line in between.split_inclusive('\n') {
        if let Some(sign) = line.find('#') {
            let end = at + line.trim_end().len();
            if end > at + sign {
                out.push((Span { file: 0, start: (at + sign) as u32, end: end as u32 }, colour));
            }
        }
        at += line.len();
    }
}
