//! The items of a line.

use super::expression::{Amount, DEEPEST, Expr, Reader, number};
use super::lexer::{Token, TokenKind};
use super::mistake::mistake;
use super::tree::{Item, ItemKind, Modifier};
use super::words::{self, Kind};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// Words that say how the members of a group lie.
const ALIGNMENTS: &[&str] = &["center", "lalign", "ralign", "refalign"];

/// Words that end with a label behind `=`.
const SCANS: &[&str] = &["go", "gonp", "gosc", "goscnp", "rcyc", "go1", "go2", "go3", "go4"];

/// Words whose line belongs to them.
const WHOLE_LINE: &[&str] = &[
    "print",
    "dwellmode",
    "prosol",
    "aqseq",
    "subr",
    "subroutine",
    "call",
    "manifest_append",
    "lgrad",
    "grad",
    "grad_ramp",
    "grad_shape",
];

/// Words that another word belongs to.
const WITH_NAME: &[&str] = &["igrad", "dgrad", "rgrad", "zgrad"];

/// Words with a number of a data set behind them: `wr #0`.
const WITH_SET: &[&str] = &["wr", "if", "rf", "st", "mc"];

/// A reader of the items of a line.
pub struct Items<'a> {
    tokens: &'a [Token],
    at: usize,
    /// What is wrong.
    pub said: Vec<Diagnostic>,
    /// How many groups stand around.
    depth: usize,
}

impl<'a> Items<'a> {
    /// Begins with a line without its label.
    pub fn new(tokens: &'a [Token]) -> Items<'a> {
        Items { tokens, at: 0, said: vec![], depth: 0 }
    }

    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn ahead(&self, count: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + count)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        Some(token)
    }

    fn is(&self, text: &str) -> bool {
        self.peek().is_some_and(|t| t.text == text && t.kind != TokenKind::Relation)
    }

    /// Whether the next word follows the last one without a blank.
    fn adjacent(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|k| self.tokens.get(k));
        matches!((before, self.peek()), (Some(a), Some(b)) if a.span.end == b.span.start)
    }

    fn wrong(&mut self, span: Span, message: impl Into<String>, label: &str, help: &str) {
        self.said.push(mistake(span, message, label, help));
    }

    /// All items.
    pub fn line(&mut self) -> Vec<Item> {
        let mut out = Vec::new();
        while let Some(token) = self.peek() {
            if token.text == ")" && token.kind == TokenKind::Sign {
                self.at += 1;
                self.wrong(
                    token.span,
                    "unmatched closing parenthesis",
                    "`(` is missing",
                    "remove it, or open it before",
                );
                continue;
            }
            out.extend(self.item());
        }
        out
    }

    fn item(&mut self) -> Option<Item> {
        let start = self.at;
        let token = self.peek()?;
        let kind = match (token.kind, token.text.as_str()) {
            (TokenKind::Relation, text) => {
                self.at += 1;
                Some(ItemKind::Relation(text.trim_matches('"').to_string()))
            }
            (TokenKind::Sign, "(") if self.depth >= DEEPEST => {
                self.at = self.tokens.len();
                let message = format!("more than {DEEPEST} nested groups");
                self.wrong(token.span, message, "too deep", "remove parentheses");
                None
            }
            (TokenKind::Sign, "(") => {
                self.depth += 1;
                let group = self.group();
                self.depth -= 1;
                group
            }
            (TokenKind::Sign, "{" | "}") => {
                self.at += 1;
                Some(command(&token.text, ""))
            }
            (TokenKind::Sign, sign) => {
                let sign = sign.to_string();
                self.sign(token.span, &sign);
                None
            }
            (TokenKind::Number, text) => self.literal(text, token.span),
            (TokenKind::Word, word) => self.word(word, token.span),
            (TokenKind::End, _) => {
                self.at += 1;
                None
            }
        };
        if self.at == start {
            self.at += 1;
        }
        let last = self.at.checked_sub(1).and_then(|k| self.tokens.get(k)).map_or(token.span, |t| t.span);
        Some(Item { kind: kind?, span: token.span.to(last) })
    }

    fn sign(&mut self, span: Span, sign: &str) {
        self.at += 1;
        match sign {
            "-" => {
                let end = self.peek().map_or(span, |t| t.span);
                self.wrong(span.to(end), "a delay cannot be negative", "negative", "use a positive time");
                // What is behind the sign is read for mistakes of its own.
                if !self.is("-") {
                    self.item();
                }
            }
            "," => self.wrong(
                span,
                "a comma is allowed only after a label",
                "unexpected",
                "separate items by blanks: `d1 pl1:f1`",
            ),
            _ => self.wrong(span, format!("unexpected `{sign}`"), "unexpected", "remove it"),
        }
    }

    /// A time in digits, such as `30m`, and what it is multiplied by.
    fn literal(&mut self, text: &str, span: Span) -> Option<ItemKind> {
        let bare = matches!(number(text), Ok((_, false)));
        let length = self.length()?;
        let mut named = false;
        length.expr.names(&mut |_| named = true);
        if bare && !named {
            self.wrong(span, format!("`{text}` has no unit"), "a time needs a unit", "write `10u`, `2m` or `1s`");
        }
        Some(ItemKind::Timed { length, modifiers: self.modifiers() })
    }

    fn length(&mut self) -> Option<Amount> {
        let start = self.peek()?.span;
        let mut reader = Reader { tokens: self.tokens, at: self.at, spaced: false, depth: 0 };
        let found = reader.sum();
        self.at = reader.at.max(self.at + 1);
        match found {
            Ok(expr) => {
                let end = self.at.checked_sub(1).and_then(|k| self.tokens.get(k)).map_or(start, |t| t.span);
                Some(Amount { expr, span: start.to(end) })
            }
            Err((message, place)) => {
                self.wrong(
                    place.unwrap_or(start),
                    message,
                    "cannot be read",
                    "times are `30m`, `4u`, `1s`, `d1`, `d2*0.5`",
                );
                None
            }
        }
    }

    fn word(&mut self, word: &str, span: Span) -> Option<ItemKind> {
        if SCANS.contains(&word) && self.ahead(1).is_some_and(|t| t.text == "=") {
            self.at += 2;
            let to = self.label(span)?;
            return Some(ItemKind::Go { word: word.to_string(), to });
        }
        match word {
            "lo" => return self.repeat(span),
            "goto" => {
                self.at += 1;
                return Some(ItemKind::Goto { to: self.label(span)? });
            }
            "define" => return self.define(span),
            "mc" => return self.store(span),
            _ => {}
        }
        // `goo=2`: a word that only assigns, and is none.
        if self.ahead(1).is_some_and(|t| t.text == "=") && words::kind_of(word).is_none() {
            self.at += 3;
            let diagnostic = Diagnostic::new(Code::PulseProgram, span, format!("unknown word `{word}`"));
            let known = SCANS.iter().copied().chain(["fq", "pl", "amp"]);
            self.said
                .push(diagnostic.label("unknown").did_you_mean(word, known).help("acquire a scan with `go=2 ph31`"));
            return None;
        }
        if WHOLE_LINE.contains(&word) {
            self.at = self.tokens.len();
            return Some(command(word, ""));
        }
        match words::kind_of(word) {
            Some(Kind::Phase) => {
                self.at += 1;
                let number = words::split(word).1.parse().ok()?;
                // The next entry, from now on.
                let next = self.peek().filter(|t| t.text == "^" && self.adjacent());
                let next = next.map(|t| Modifier { word: "^".into(), argument: String::new(), span: t.span });
                self.at += usize::from(next.is_some());
                let mut modifiers: Vec<Modifier> = next.into_iter().collect();
                modifiers.extend(self.modifiers());
                Some(ItemKind::Phase { number, modifiers })
            }
            Some(Kind::Command) => Some(self.command(word)),
            Some(Kind::Time) => Some(ItemKind::Timed { length: self.length()?, modifiers: self.modifiers() }),
            None => self.other(word),
        }
    }

    /// A word that is none of the language: a name, a list, a macro.
    fn other(&mut self, word: &str) -> Option<ItemKind> {
        let row = word.strip_prefix('F').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let operated = self.ahead(1).is_some_and(|t| matches!(t.text.as_str(), "." | "^" | "="));
        let called = self.ahead(1).is_some_and(|t| t.text == "(") && self.ahead(2).is_none_or(|t| t.text != ")");
        if row || operated || called && word.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()) {
            return Some(self.command(word));
        }
        Some(ItemKind::Timed { length: self.length()?, modifiers: self.modifiers() })
    }

    /// A word and what belongs to it: signs and words without a blank between, a name, a data set, a condition.
    fn command(&mut self, word: &str) -> ItemKind {
        self.at += 1;
        let start = self.at;
        if WITH_SET.contains(&words::split(word).0) && self.is("#") {
            self.at += 2;
        } else if word == "if" || word == "while" {
            if self.peek().is_some_and(|t| t.kind == TokenKind::Relation) {
                self.at += 1;
            } else if self.is("(") {
                self.parentheses();
            }
        } else if WITH_NAME.contains(&word) {
            self.at += usize::from(self.peek().is_some_and(|t| t.kind == TokenKind::Word));
        }
        while self.adjacent() && !self.is(":") && !self.is(")") && !self.is("{") && !self.is("}") {
            if self.is("(") {
                self.parentheses();
            } else {
                self.at += 1;
            }
        }
        // The frame of a frequency may stand behind a blank: `fq=cnst20 (bf ppm)`.
        if word == "fq" && self.is("(") {
            self.parentheses();
        }
        let rest = self.text_from(start);
        ItemKind::Command { word: word.to_string(), rest, modifiers: self.modifiers() }
    }

    /// Passes over what stands in parentheses.
    fn parentheses(&mut self) {
        let Some(open) = self.peek() else { return };
        let mut depth = 0i32;
        while let Some(token) = self.next() {
            depth += i32::from(token.text == "(") - i32::from(token.text == ")");
            if depth == 0 {
                return;
            }
        }
        self.wrong(open.span, "unclosed parenthesis", "`)` is missing", "close it");
    }

    /// The words from a place on as they stand, with single blanks.
    fn text_from(&self, start: usize) -> String {
        let tokens = self.tokens.get(start..self.at).unwrap_or_default();
        let mut out = String::new();
        for (k, token) in tokens.iter().enumerate() {
            let before = k.checked_sub(1).and_then(|j| tokens.get(j));
            if before.is_some_and(|b| b.span.end != token.span.start) {
                out.push(' ');
            }
            out += &token.text;
        }
        out
    }

    fn label(&mut self, span: Span) -> Option<(String, Span)> {
        match self.peek().filter(|t| matches!(t.kind, TokenKind::Number | TokenKind::Word)) {
            Some(token) => {
                self.at += 1;
                Some((token.text.clone(), token.span))
            }
            None => {
                self.wrong(
                    span,
                    "a label is missing",
                    "missing label",
                    "give the label of a line: `go=2`, `lo to 4 times l4`",
                );
                None
            }
        }
    }

    /// One word that must stand here.
    fn needs(&mut self, word: &str, span: Span) -> bool {
        if self.is(word) {
            self.at += 1;
            return true;
        }
        let found = self.peek().map_or("the end of the line".to_string(), |t| format!("`{}`", t.text));
        let place = self.peek().map_or(span, |t| t.span);
        self.wrong(
            place,
            format!("expected `{word}`, found {found}"),
            "not understood",
            "write a loop as `lo to 4 times l4`",
        );
        false
    }

    /// `lo to 4 times l4`
    fn repeat(&mut self, span: Span) -> Option<ItemKind> {
        self.at += 1;
        if !self.needs("to", span) {
            self.at = self.tokens.len();
            return None;
        }
        let to = self.label(span)?;
        if !self.needs("times", span) {
            self.at = self.tokens.len();
            // The label is looked at all the same.
            let times = Amount { expr: Expr::Number(1.0), span };
            return Some(ItemKind::Loop { to, times });
        }
        let times = self.length()?;
        Some(ItemKind::Loop { to, times })
    }

    /// `mc #0 to 2 F1QF(calclist(vd_list, 1))`
    fn store(&mut self, span: Span) -> Option<ItemKind> {
        self.at += 1;
        if self.is("#") {
            self.at += 2;
        }
        if !self.needs("to", span) {
            self.at = self.tokens.len();
            return None;
        }
        let to = self.label(span)?;
        let mut rows = Vec::new();
        while let Some(token) = self.peek().filter(|t| t.kind == TokenKind::Word && t.text.starts_with('F')) {
            self.at += 1;
            let start = self.at;
            if self.is("(") {
                self.parentheses();
            }
            rows.push((token.text.clone(), self.text_from(start)));
        }
        Some(ItemKind::Store { to, rows })
    }

    /// `define list<delay> name=<$VDLIST>`
    fn define(&mut self, span: Span) -> Option<ItemKind> {
        self.at += 1;
        let start = self.at;
        self.at += usize::from(self.peek().is_some_and(|t| t.kind == TokenKind::Word));
        if self.is("<") {
            while !self.is(">") && self.peek().is_some() {
                self.at += 1;
            }
            self.at += 1;
        }
        let kind = self.text_from(start).replace(' ', "");
        let Some(name) = self.peek().filter(|t| t.kind == TokenKind::Word) else {
            self.at = self.tokens.len();
            self.wrong(
                span,
                "a definition without a name",
                "no name",
                "write `define delay tau` or `define list<delay> taus=<$VDLIST>`",
            );
            return None;
        };
        self.at += 2;
        let start = self.at.min(self.tokens.len());
        self.at = self.tokens.len();
        Some(ItemKind::Define { kind, name: name.text.clone(), value: self.text_from(start) })
    }

    fn group(&mut self) -> Option<ItemKind> {
        let open = self.next()?.span;
        let align = self.peek().filter(|t| ALIGNMENTS.contains(&t.text.as_str())).map(|t| t.text.clone());
        self.at += usize::from(align.is_some());
        let mut members = Vec::new();
        loop {
            match self.peek() {
                None => {
                    self.wrong(open, "unclosed parenthesis", "`)` is missing", "close it: `(p1 ph1):f1`");
                    break;
                }
                Some(token) if token.text == ")" && token.kind == TokenKind::Sign => {
                    self.at += 1;
                    break;
                }
                // Members may lie otherwise than the group.
                Some(token) if ALIGNMENTS.contains(&token.text.as_str()) => self.at += 1,
                Some(_) => members.extend(self.item()),
            }
        }
        Some(ItemKind::Group { align, members, modifiers: self.modifiers() })
    }

    fn modifiers(&mut self) -> Vec<Modifier> {
        let mut out = Vec::new();
        while self.is(":") {
            self.at += 1;
            let Some(word) = self.peek().filter(|t| matches!(t.kind, TokenKind::Word | TokenKind::Number)) else {
                let span = self.at.checked_sub(1).and_then(|k| self.tokens.get(k)).map_or(Span::default(), |t| t.span);
                self.wrong(
                    span,
                    "missing word after a colon",
                    "missing word",
                    "write a channel or a shape: `:f1`, `:sp1`",
                );
                return out;
            };
            self.at += 1;
            if word.kind == TokenKind::Word && !words::is_modifier(&word.text) {
                self.wrong(
                    word.span,
                    format!("`:{}` is not a channel, shape or gradient", word.text),
                    "unknown",
                    "use `:f1`, `:sp1`, `:gp1` or `:r`",
                );
            }
            let start = self.at;
            if self.is("(") && self.adjacent() {
                self.parentheses();
            }
            while self.is("*") || self.is("[") {
                self.at += 1;
                self.length();
                self.at += usize::from(self.is("]"));
            }
            out.push(Modifier { word: word.text.clone(), argument: self.text_from(start), span: word.span });
        }
        out
    }
}

fn command(word: &str, rest: &str) -> ItemKind {
    ItemKind::Command { word: word.to_string(), rest: rest.to_string(), modifiers: vec![] }
}
