//! Recursive-descent parser of statements: one function per rule, named as the rule in `grammar.md`. It recovers from errors: a statement
//! that cannot be parsed becomes a diagnostic, and parsing continues with the next statement.

mod hints;
mod item;
mod statement;
mod system;

use super::ast::*;
use super::expr::{Expr, ExprKind};
use super::token::{Token, TokenKind, Tokens};
use super::words::{self, Role};
use crate::diagnostic::{Code, Diagnostic, MOST_MISTAKES};
use crate::source::Span;
use crate::units::Unit;
use std::collections::HashSet;

/// Result of a rule. The diagnostic is boxed because it is large and rare.
pub(super) type Rule<T> = Result<T, Box<Diagnostic>>;

/// Version of the language accepted by this parser.
pub const VERSION: u32 = 1;

/// Maximum nesting depth of parentheses, calls and powers. The limit protects the stack against malicious files.
const MAX_DEPTH: u32 = 64;

/// The token after the last one: the end of the file.
const END: Token<'static> =
    Token { kind: TokenKind::End, span: Span { file: 0, start: 0, end: 0 }, first_of_line: false };

/// Parser state: the tokens and the current position.
pub struct Parser<'a> {
    text: &'a str,
    tokens: &'a Tokens,
    at: usize,
    /// The token at the current position.
    current: Token<'a>,
    /// Subsequences that this file defines and that may be called, among them those named as keywords of other blocks or of
    /// [`words::LATER`].
    defined: HashSet<&'a str>,
    /// True if other files are used, which may define subsequences of any name.
    uses: bool,
    /// Current depth of each kind of nesting.
    depth: Depths,
    /// True if `at` after a metric names a mark, which is allowed only in results.
    pub(super) at_marks: bool,
    /// True if a declaration failed to parse.
    gaps: bool,
    /// Diagnostics so far.
    pub diagnostics: Vec<Diagnostic>,
}

/// Current depth of each kind of nesting.
#[derive(Default)]
struct Depths {
    expression: u32,
    state: u32,
    block: u32,
}

impl Depths {
    fn of(&mut self, nest: Nest) -> &mut u32 {
        match nest {
            Nest::Expression => &mut self.expression,
            Nest::State => &mut self.state,
            Nest::Block => &mut self.block,
        }
    }
}

/// Kinds of nesting, counted separately.
#[derive(Clone, Copy)]
pub(super) enum Nest {
    /// Parentheses, calls and powers.
    Expression,
    /// States in mixtures.
    State,
    /// Blocks of statements.
    Block,
}

impl<'a> Parser<'a> {
    /// A parser at the start of the tokens of a text.
    pub fn new(text: &'a str, tokens: &'a Tokens) -> Parser<'a> {
        let behind = |word: &'a str| tokens.named(text, word).filter_map(|k| tokens.get(text, k + 1)).map(|t| t.kind);
        // Statements of the first version keep their meaning: a subsequence of such a name cannot be called.
        let callable = |name: &&str| words::LATER.contains(name) || !words::is(name, Role::Event);
        let own = |kind: TokenKind<'a>| if let TokenKind::Name(own) = kind { Some(own) } else { None };
        Parser {
            text,
            tokens,
            at: 0,
            current: tokens.get(text, 0).unwrap_or(END),
            defined: behind("define").filter_map(own).filter(callable).collect(),
            uses: behind("use").any(|kind| matches!(kind, TokenKind::Text(_))),
            depth: Depths::default(),
            at_marks: false,
            gaps: false,
            diagnostics: Vec::new(),
        }
    }

    /// `file = { item }`
    pub fn file(&mut self) -> Program {
        let mut items = Vec::new();
        while self.kind() != TokenKind::End {
            if self.diagnostics.len() >= MOST_MISTAKES {
                self.gaps = true;
                break;
            }
            let (start, at) = (self.here(), self.at);
            match self.item() {
                Ok(kind) => items.push(Item { kind, place: start.to(self.previous()).into() }),
                Err(diagnostic) => {
                    self.diagnostics.push(*diagnostic);
                    self.gaps = true;
                    self.recover(at, |word| words::is(word, Role::Statement), true);
                }
            }
        }
        Program { items, gaps: self.gaps }
    }

    // ---- system ----

    // ---- sequence ----

    // ---- settings ----

    fn at_setting(&self) -> bool {
        matches!((self.peek(0), self.peek(1)), (TokenKind::Name(_), TokenKind::Sign("=")))
    }

    /// Settings up to the end of the statement: `snr = 100 scans = 16`.
    fn settings(&mut self) -> Rule<Vec<Setting>> {
        let mut settings = Vec::new();
        while self.at_setting() {
            settings.push(self.setting()?);
            self.sign(",");
        }
        Ok(settings)
    }

    /// `setting = name "=" sum`; a list of names needs no commas, as in `cells = a b`.
    fn setting(&mut self) -> Rule<Setting> {
        let name = self.name("the name of a setting")?;
        self.expect_sign("=")?;
        let start = self.here();
        let value = self.expression()?;
        if name.text != "cells" || !matches!(value.kind, ExprKind::Name(_) | ExprKind::Index(..)) {
            return Ok(Setting { name, value });
        }
        let mut cells = vec![value];
        while matches!(self.kind(), TokenKind::Name(_)) && !self.begins_line() {
            cells.push(self.site()?);
        }
        let value = if cells.len() == 1 {
            cells.remove(0)
        } else {
            Expr::at(ExprKind::Tuple(cells), start.to(self.previous()))
        };
        Ok(Setting { name, value })
    }

    fn settings_block(&mut self) -> Rule<Vec<Setting>> {
        self.entries(|p| p.setting())
    }

    // ---- blocks ----

    /// `"{" { entry } "}"` where an entry starts with a keyword of the given role (an event may also be a call).
    fn block<T>(&mut self, role: Role, mut entry: impl FnMut(&mut Self, &str) -> Rule<T>) -> Rule<Vec<T>> {
        let begins = move |p: &Self| matches!(p.kind(), TokenKind::Name(word) if words::is(word, role));
        self.braces(begins, move |p| {
            let TokenKind::Name(word) = p.kind() else {
                return Err(p.no_statement("expected a statement or `}`").into());
            };
            let is_name = !words::is_word(word)
                || p.defined.contains(word)
                || p.uses && matches!(p.peek(1), TokenKind::Sign("("));
            let call = role == Role::Event && is_name && p.call_ahead();
            if !words::is(word, role) && !call {
                return Err(p.unknown_statement(word, role).into());
            }
            p.advance();
            entry(p, word)
        })
    }

    /// True for the call of a subsequence: a name alone on its line or followed by a parenthesis.
    fn call_ahead(&self) -> bool {
        let next = self.token(self.at + 1);
        next.is_some_and(|t| t.first_of_line || matches!(t.kind, TokenKind::Sign("(" | "}") | TokenKind::End))
    }

    /// `"{" { entry [","] } "}"`
    fn entries<T>(&mut self, entry: impl FnMut(&mut Self) -> Rule<T>) -> Rule<Vec<T>> {
        self.braces(|_| false, entry)
    }

    /// True for `param NAME :`, which inside of `ensemble` is a distribution, not a declaration.
    fn at_distribution(&self) -> bool {
        self.token(self.at + 2).is_some_and(|t| t.kind == TokenKind::Sign(":"))
    }

    /// Parses a braced block. Entries end at the end of the line, at a comma, or where `begins` matches the next word.
    fn braces<T>(
        &mut self,
        begins: impl Fn(&Self) -> bool,
        mut entry: impl FnMut(&mut Self) -> Rule<T>,
    ) -> Rule<Vec<T>> {
        self.expect_sign("{")?;
        let open = self.previous();
        let mut entries = Vec::new();
        loop {
            if self.sign("}") || self.diagnostics.len() >= MOST_MISTAKES {
                return Ok(entries);
            }
            let top_level = self.begins_line()
                && matches!(self.kind(), TokenKind::Name(w) if words::is(w, Role::Statement))
                && !self.at_setting()
                && !self.at_distribution();
            if self.kind() == TokenKind::End || top_level {
                let diagnostic = Diagnostic::new(Code::Unclosed, open, "unclosed block")
                    .label("opened here")
                    .related(self.here(), "missing `}` before this");
                self.diagnostics.push(diagnostic);
                return Ok(entries);
            }
            let at = self.at;
            match entry(self) {
                Ok(value) => {
                    entries.push(value);
                    let next_line = self.begins_line();
                    let ended = self.sign(",") || next_line || self.at_sign("}") || begins(self);
                    if !ended && self.kind() != TokenKind::End {
                        let d = self.unexpected("expected a comma or the end of the line");
                        let d = d.hint(self.hint_at_end());
                        self.diagnostics.push(d);
                        self.recover(at, |_| false, false);
                    }
                }
                Err(diagnostic) => {
                    self.diagnostics.push(*diagnostic);
                    self.recover(at, |_| false, false);
                }
            }
        }
    }

    /// Error recovery: skips to the next line that can start a statement, or to the brace that closes this block. Skips at least one token
    /// since `from`, so that parsing always terminates.
    fn recover(&mut self, from: usize, begins: impl Fn(&str) -> bool, top: bool) {
        if self.at == from {
            self.advance();
        }
        // Braces opened since the start of the statement are still open if the error was inside of them.
        let mut open: i64 = 0;
        for token in (from..self.at).filter_map(|k| self.token(k)) {
            match token.kind {
                TokenKind::Sign("{") => open += 1,
                TokenKind::Sign("}") => open -= 1,
                _ => {}
            }
        }
        loop {
            let first = self.begins_line();
            match self.kind() {
                TokenKind::End => return,
                TokenKind::Sign("{") => open += 1,
                TokenKind::Sign("}") if open <= 0 && !top => return,
                TokenKind::Sign("}") => open -= 1,
                TokenKind::Name(word) if first && words::is(word, Role::Statement) => return,
                TokenKind::Name(word) if first && open <= 0 && (!top || begins(word)) => return,
                _ => {}
            }
            self.advance();
        }
    }

    // ---- tokens ----

    pub(super) fn kind(&self) -> TokenKind<'a> {
        self.current.kind
    }

    pub(super) fn token(&self, k: usize) -> Option<Token<'a>> {
        self.tokens.get(self.text, k)
    }

    pub(super) fn peek(&self, ahead: usize) -> TokenKind<'a> {
        self.token(self.at + ahead).unwrap_or(END).kind
    }

    pub(super) fn span_of(&self, ahead: usize) -> Span {
        self.token(self.at + ahead).map(|t| t.span).unwrap_or_default()
    }

    pub(super) fn here(&self) -> Span {
        self.current.span
    }

    pub(super) fn previous(&self) -> Span {
        self.token(self.at.saturating_sub(1)).map(|t| t.span).unwrap_or_default()
    }

    pub(super) fn begins_line(&self) -> bool {
        self.current.first_of_line
    }

    pub(super) fn advance(&mut self) {
        if let Some(next) = self.token(self.at + 1) {
            self.at += 1;
            self.current = next;
        }
    }

    pub(super) fn at_sign(&self, sign: &str) -> bool {
        matches!(self.kind(), TokenKind::Sign(s) if s == sign)
    }

    pub(super) fn sign(&mut self, sign: &str) -> bool {
        let found = self.at_sign(sign);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn expect_sign(&mut self, sign: &'static str) -> Rule<()> {
        if self.sign(sign) {
            return Ok(());
        }
        Err(self.unexpected(format!("expected `{sign}`")).hint(self.hint_of_sign(sign)).into())
    }

    /// Expects the closing counterpart of a bracket opened at `open`.
    pub(super) fn close(&mut self, sign: &'static str, open: Span) -> Rule<()> {
        if self.sign(sign) {
            return Ok(());
        }
        let found = self.found();
        Err(Diagnostic::new(Code::Unclosed, open, format!("expected `{sign}` to close this, found {found}"))
            .label("opened here")
            .related(self.here(), format!("expected `{sign}` here"))
            .into())
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        matches!(self.kind(), TokenKind::Name(w) if w == word)
    }

    pub(super) fn opt_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn word(&mut self, word: &'static str) -> Rule<()> {
        if self.opt_word(word) { Ok(()) } else { Err(self.unexpected(format!("expected `{word}`")).into()) }
    }

    pub(super) fn name(&mut self, what: &str) -> Rule<Name> {
        match self.kind() {
            TokenKind::Name(text) => {
                let span = self.here();
                self.advance();
                Ok(Name::at(text, span))
            }
            _ => Err(self.unexpected(format!("expected {what}")).hint(self.hint_of_name()).into()),
        }
    }

    fn text(&mut self, what: &str) -> Rule<Name> {
        match self.kind() {
            TokenKind::Text(text) => {
                let span = self.here();
                self.advance();
                Ok(Name::at(text, span))
            }
            _ => Err(self.unexpected(format!("expected {what}")).into()),
        }
    }

    /// Phases of a cycle: expressions separated by commas, or a list of numbers in spectrometer notation, `0 1 2 3` in quarter turns and
    /// `(8) 0 3 6` in eighths of a turn.
    fn phases(&mut self) -> Rule<Vec<Expr>> {
        let number = |kind: TokenKind| if let TokenKind::Number(x) = kind { Some(x) } else { None };
        let division = match (self.kind(), number(self.peek(1)), self.peek(2), number(self.peek(3))) {
            (TokenKind::Sign("("), Some(n), TokenKind::Sign(")"), Some(_)) => Some(n),
            (kind, Some(_), ..) if number(kind).is_some() => None,
            _ => return self.comma_list(),
        };
        let parts = division.unwrap_or(4.0);
        if parts < 1.0 || parts.fract() != 0.0 {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                self.span_of(1),
                "a cycle of 360 deg must be divided into an integer number of parts",
            )
            .help("for example `(8) 0 1 2 3`, in steps of 45 deg")
            .into());
        }
        if division.is_some() {
            (0..3).for_each(|_| self.advance());
        }
        let degree = Unit::named("deg").ok_or_else(|| self.unexpected("expected a phase".to_string()))?;
        let mut phases = Vec::new();
        while let Some(x) = number(self.kind()) {
            if division.is_none() && x.abs() >= parts {
                return Err(Diagnostic::new(
                    Code::OutOfRange,
                    self.here(),
                    format!("a number of this list is a multiple of 90 deg, and {x} is not below 4"),
                )
                .label("not 0, 1, 2 or 3")
                .help("for degrees write `(360) 0 90 180 270` or `0 deg, 90 deg`")
                .into());
            }
            let value = Expr::at(ExprKind::Number(x * 360.0 / parts), self.here());
            phases.push(Expr::at(ExprKind::Quantity(Box::new(value), degree), self.here()));
            self.advance();
        }
        Ok(phases)
    }

    fn comma_list(&mut self) -> Rule<Vec<Expr>> {
        let mut items = vec![self.expression()?];
        while self.sign(",") {
            items.push(self.expression()?);
        }
        Ok(items)
    }

    pub(super) fn deeper<T>(&mut self, nest: Nest, rule: impl FnOnce(&mut Self) -> Rule<T>) -> Rule<T> {
        let depth = self.depth.of(nest);
        *depth += 1;
        // The outermost expression, state or block has depth 0.
        let result = if *depth > MAX_DEPTH + 1 {
            Err(Diagnostic::new(Code::TooDeep, self.here(), format!("nested more than {MAX_DEPTH} levels deep"))
                .help("declare a part of it under its own name")
                .into())
        } else {
            rule(self)
        };
        *self.depth.of(nest) -= 1;
        result
    }

    // ---- messages ----

    fn found(&self) -> String {
        match self.kind() {
            TokenKind::Number(value) => format!("the number `{value}`"),
            TokenKind::Name(name) if words::is_word(name) => format!("the word `{name}`"),
            TokenKind::Name(name) => format!("`{name}`"),
            TokenKind::Text(text) => format!("the text \"{text}\""),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::End => "the end of the file".to_string(),
        }
    }

    pub(super) fn unexpected(&self, expected: impl Into<String>) -> Diagnostic {
        let expected = expected.into();
        // If something is missing at the end of a line, report the position after the last word, not the start of the next line.
        let span = if self.begins_line() && self.at > 0 { self.previous().after() } else { self.here() };
        Diagnostic::new(Code::UnexpectedToken, span, format!("{expected}, found {}", self.found())).label(expected)
    }

    /// The diagnostic for a token where a statement should begin, at that token.
    fn no_statement(&self, expected: &str) -> Diagnostic {
        let message = format!("{expected}, found {}", self.found());
        let diagnostic = Diagnostic::new(Code::UnexpectedToken, self.here(), message).label(expected);
        match self.hint_of_name() {
            Some(help) => diagnostic.help(help),
            None => diagnostic
                .help("a statement begins with a word such as `pulse` or `param`")
                .help("`ergoseq import` converts pulse programs of other consoles"),
        }
    }

    fn given_twice(&self, what: &str) -> Diagnostic {
        Diagnostic::new(Code::DefinedTwice, self.here(), format!("`{what}` is given twice")).label("first given here")
    }

    fn unknown_statement(&self, word: &str, role: Role) -> Diagnostic {
        let what = match role {
            Role::Statement => "a statement of the file",
            Role::SystemEntry => "an entry of `system`",
            Role::Event => "a statement of a sequence",
            Role::Clause => "a clause",
        };
        let diagnostic =
            Diagnostic::new(Code::UnknownStatement, self.here(), format!("`{word}` does not begin {what}"))
                .label("unexpected word");
        let diagnostic = match words::WORDS.iter().find(|w| w.word == word) {
            Some(w) if w.role == Role::Event => diagnostic.help(format!("`{word}` belongs in the `sequence` block")),
            Some(w) if w.role == Role::SystemEntry => {
                diagnostic.help(format!("`{word}` belongs in the `system` block"))
            }
            Some(w) if w.role == Role::Statement => diagnostic.help(format!("`{word}` belongs outside blocks")),
            Some(_) => diagnostic.hint(Self::hint_of_statement(word).or_else(|| self.hint_of_line_above(word))),
            None => match Self::hint_of_statement(word).or_else(|| self.hint_of_line_above(word)) {
                Some(help) => diagnostic.help(help),
                None => diagnostic.did_you_mean(word, words::words_of(role)),
            },
        };
        if diagnostic.help.is_empty() {
            let list: Vec<&str> = words::words_of(role).collect();
            return diagnostic.help(format!("expected one of: {}", list.join(", ")));
        }
        diagnostic
    }
}
