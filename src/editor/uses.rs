//! References: all uses of a name.
//!
//! Uses are found in the token stream, not in the tree, so that this also works for files with errors. Neighbouring tokens distinguish
//! the kinds of equal identifiers: marks, traces and results have their own name spaces, and a word before `=` in a block is a setting.

use super::document::Document;
use super::names::{Kind, Named};
use crate::source::Span;
use crate::syntax::token::{Token, TokenKind, tokenize};
use crate::syntax::words::is_word;
use crate::units::Unit;

/// A use of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// Its span.
    pub span: Span,
    /// True for the declaration.
    pub declares: bool,
}

fn word<'a>(token: Option<&Token<'a>>) -> Option<&'a str> {
    match token.map(|t| t.kind) {
        Some(TokenKind::Name(name)) => Some(name),
        _ => None,
    }
}

fn is_sign(token: Option<&Token>, sign: &str) -> bool {
    matches!(token.map(|t| t.kind), Some(TokenKind::Sign(s)) if s == sign)
}

/// For each token, the keyword of the enclosing statement at file level, and the brace depth.
fn statements_of<'a>(tokens: &[Token<'a>]) -> Vec<(&'a str, usize)> {
    let (mut depth, mut head) = (0usize, "");
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        if is_sign(Some(token), "}") {
            depth = depth.saturating_sub(1);
        }
        let begins = word(Some(token)).filter(|w| crate::syntax::words::is(w, crate::syntax::words::Role::Statement));
        if let (0, Some(w), true) = (depth, begins, token.first_of_line) {
            head = w;
        }
        out.push((head, depth));
        if is_sign(Some(token), "{") {
            depth += 1;
        }
    }
    out
}

/// Kind of name as which a name token is used; `None` if it is a unit, a setting, or part of an isotope.
fn used_as(tokens: &[Token], k: usize, (head, depth): (&str, usize)) -> Option<Option<Kind>> {
    let (before, here, after) = (k.checked_sub(1).and_then(|b| tokens.get(b)), tokens.get(k)?, tokens.get(k + 1));
    let name = word(Some(here))?;
    let numbered = matches!(before.map(|t| t.kind), Some(TokenKind::Number(_))) || is_sign(before, ")");
    if numbered && !here.first_of_line && (Unit::named(name).is_some() || adjacent(before, here)) {
        return None;
    }
    let previous = word(before);
    let kind = match previous {
        Some("mark") => Some(Kind::Mark),
        Some("at") if matches!(head, "expect" | "measure") => Some(Kind::Mark),
        Some("as") => Some(Kind::Trace),
        Some("theory") => Some(Kind::Trace),
        Some("with") => Some(Kind::Noise),
        _ => None,
    };
    if kind.is_some() {
        return Some(kind);
    }
    if is_sign(after, ".") && matches!(head, "measure" | "expect" | "theory") {
        return Some(Some(Kind::Trace));
    }
    // `rf = rf`: in a block, the word before `=` is a setting, except in `measure`, where it names a result.
    if is_sign(after, "=") && depth > 0 {
        return if head == "measure" { Some(Some(Kind::Result)) } else { None };
    }
    Some(None)
}

fn adjacent(before: Option<&Token>, token: &Token) -> bool {
    before.is_some_and(|b| b.span.end == token.span.start)
}

/// True if a use of this kind can refer to a name of that kind.
fn fits(used: Option<Kind>, declared: Kind, head: &str) -> bool {
    match (used, declared) {
        // A name before a dot is a trace or a mark.
        (Some(Kind::Trace), Kind::Mark) => matches!(head, "measure" | "expect"),
        (Some(used), declared) => used == declared,
        (None, Kind::Mark | Kind::Trace) => false,
        (None, Kind::Result) => matches!(head, "measure" | "expect" | "theory"),
        (None, _) => true,
    }
}

/// The name at a position, and all its uses in order; `None` if the word is not declared in the file.
pub fn uses(document: &Document, offset: u32) -> Option<(Named, Vec<Use>)> {
    let tokens: Vec<Token> = document.tokens().collect();
    let blocks = statements_of(&tokens);
    let resolve = |k: usize| -> Option<&Named> {
        let (token, (head, depth)) = tokens.get(k).zip(blocks.get(k))?;
        let (name, place) = (word(Some(token))?, token.span);
        let used = used_as(&tokens, k, (head, *depth))?;
        let inside = |n: &&Named| n.scope.is_none_or(|s| s.start <= place.start && place.end <= s.end);
        let mut all = document.names.iter().filter(|n| n.name == name && fits(used, n.kind, head)).filter(inside);
        // The innermost scope takes precedence.
        let first = all.next()?;
        Some(all.fold(first, |best, n| if n.scope.is_some() && best.scope.is_none() { n } else { best }))
    };
    let here = document.token_at(offset)?;
    let found = resolve(here)?.clone();
    let all = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| word(Some(token)) == Some(found.name.as_str()))
        .filter(|(k, _)| resolve(*k) == Some(&found))
        .map(|(_, token)| Use { span: token.span, declares: token.span == found.span })
        .collect();
    Some((found, all))
}

/// Renames a name everywhere; returns the uses to replace. A rename that would introduce errors is rejected.
///
/// # Errors
/// When there is no declared name at the position, the new name is invalid, or the program would change.
pub fn renamed(document: &Document, offset: u32, new: &str, reader: crate::check::Reader) -> Result<Vec<Use>, String> {
    let Some((named, all)) = uses(document, offset) else {
        return Err("only names declared in this file can be renamed".into());
    };
    let (tokens, wrong) = tokenize(new, 0);
    if !wrong.is_empty() || tokens.len() != 2 || word(tokens.get(new, 0).as_ref()) != Some(new) {
        return Err(format!("`{new}` is not a valid name: use letters, digits and _, starting with a letter"));
    }
    if is_word(new) && !is_word(&named.name) {
        return Err(format!("`{new}` is a reserved word"));
    }
    if document.names.iter().any(|n| n.name == new && n.scope == named.scope) {
        return Err(format!("`{new}` is already declared"));
    }
    if document.compiled.is_some() {
        let mut text = document.text.clone();
        for u in all.iter().rev() {
            text.replace_range(u.span.start as usize..u.span.end as usize, new);
        }
        if let Err(refused) = crate::compile::outline("renamed", &text, reader) {
            let why = refused.diagnostics.iter().find(|d| d.is_error()).map_or(String::new(), |d| d.message.clone());
            return Err(format!("the renamed program would have an error: {why}"));
        }
    }
    Ok(all)
}
