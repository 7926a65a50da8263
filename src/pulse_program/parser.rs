//! From words to statements.

use super::item::Items;
use super::lexer::{Lexed, Token, TokenKind, lex};
use super::mistake::mistake;
use super::phases::{self, degrees};
use super::preprocessor::{Preprocessed, preprocess};
use super::tree::{Item, ItemKind, PhaseList, PulseProgram, Statement};
use super::words;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use std::collections::BTreeSet;

/// Reads a text; also says what is wrong. `defined`: names that the preprocessor knows from elsewhere.
pub fn parse(text: &str, file: u32, defined: &BTreeSet<String>) -> (PulseProgram, Vec<Diagnostic>) {
    let Lexed { tokens, comments, directives, mut said } = lex(text, file);
    let Preprocessed { tokens, includes, macros, left_out, said: more } =
        preprocess(tokens, &directives, file, defined);
    said.extend(more);
    let program = PulseProgram { comments, includes, macros, left_out, ..PulseProgram::default() };
    let mut parser = Parser { program, said };
    parser.statements(&tokens);
    phases::refer(&mut parser.program.phases);
    (parser.program, parser.said)
}

struct Parser {
    program: PulseProgram,
    said: Vec<Diagnostic>,
}

impl Parser {
    /// The lines, as far as an `exit`, and the lists of phases behind it.
    fn statements(&mut self, tokens: &[Token]) {
        let mut lines = lines(tokens).into_iter().peekable();
        let mut ended = false;
        while let Some(line) = lines.next() {
            if let Some(number) = phase_list_head(line) {
                let mut whole = line.to_vec();
                // A list goes on in lines that begin with no word.
                while ended && lines.peek().is_some_and(|next| continues(next)) {
                    whole.extend(lines.next().unwrap_or_default().iter().cloned());
                }
                let span = span_of(&whole);
                if !ended {
                    self.said.push(mistake(
                        span,
                        format!("`ph{number}` is defined before `exit`"),
                        "phase lists must follow `exit`",
                        "move it after `exit`",
                    ));
                }
                self.phase_list(number, &whole);
                continue;
            }
            let statement = self.statement(line);
            let exits = |item: &Item| matches!(&item.kind, ItemKind::Command { word, .. } if word == "exit");
            ended |= statement.items.iter().any(exits);
            self.program.statements.push(statement);
        }
    }

    fn statement(&mut self, line: &[Token]) -> Statement {
        let span = span_of(line);
        let (label, rest) = match line {
            [number, rest @ ..]
                if is_label(number)
                    && !rest.first().is_some_and(|t| t.kind == TokenKind::Sign && t.text != "(" && t.text != "{") =>
            {
                (Some((number.text.clone(), number.span)), rest)
            }
            [word, comma, rest @ ..]
                if word.kind == TokenKind::Word
                    && comma.text == ","
                    && words::kind_of(&word.text) != Some(words::Kind::Time) =>
            {
                (Some((word.text.clone(), word.span)), rest)
            }
            _ => (None, line),
        };
        let mut items = Items::new(rest);
        let found = items.line();
        self.said.append(&mut items.said);
        Statement { label, items: found, span }
    }

    /// `ph1=(4) 0 1 {2}*3`: quarters of a turn unless a divisor stands in parentheses.
    fn phase_list(&mut self, number: usize, tokens: &[Token]) {
        let span = span_of(tokens);
        let rest = tokens.get(2..).unwrap_or_default();
        let known = |t: &Token| match t.kind {
            TokenKind::Number => t.text.chars().all(|c| c.is_ascii_digit() || c == '.'),
            TokenKind::Word => {
                let (head, digits) = words::split(&t.text);
                matches!(t.text.as_str(), "float" | "degree") || head == "ph" && !digits.is_empty()
            }
            TokenKind::Sign => "(){}+-*/^,".contains(t.text.as_str()),
            TokenKind::Relation | TokenKind::End => false,
        };
        for token in rest.iter().filter(|t| !known(t)) {
            self.said.push(mistake(
                token.span,
                format!("`{}` is not a phase", token.text),
                "not a number",
                "a phase list contains numbers, `{0 2}*4` and other lists: ph1=0 2",
            ));
        }
        if rest.is_empty() {
            self.said.push(mistake(span, format!("`ph{number}` has no phases"), "empty", "write them: ph1=0 2"));
        }
        let terms = if degrees(rest).is_none() { phases::terms(rest) } else { None };
        let (unit, degrees, terms) = (phases::unit(rest), degrees(rest), terms.unwrap_or_default());
        self.program.phases.push(PhaseList { number, unit, degrees, terms, span });
    }
}

/// The lines of a text; those in parentheses and braces of an item are one.
fn lines(tokens: &[Token]) -> Vec<&[Token]> {
    let mut out = Vec::new();
    let (mut start, mut depth) = (0, 0i32);
    for (k, token) in tokens.iter().enumerate() {
        match (token.kind, token.text.as_str()) {
            (TokenKind::Sign, "(") => depth += 1,
            (TokenKind::Sign, ")") => depth -= 1,
            (TokenKind::End, _) => {
                // A label or a command behind an open parenthesis begins another statement: the parenthesis is the mistake.
                let next = tokens.get(k + 1);
                let begins = next.is_none_or(|t| {
                    t.kind == TokenKind::End && depth > 0 && k + 2 >= tokens.len()
                        || is_label(t)
                        || t.kind == TokenKind::Relation
                        || t.kind == TokenKind::Word
                            && (words::STRUCTURE.contains(&t.text.as_str()) || words::split(&t.text).0 == "d")
                });
                if depth <= 0 || begins {
                    if let Some(line) = tokens.get(start..k).filter(|line| !line.is_empty()) {
                        out.push(line);
                    }
                    (start, depth) = (k + 1, 0);
                }
            }
            _ => {}
        }
    }
    out
}

fn is_label(token: &Token) -> bool {
    token.kind == TokenKind::Number && token.text.chars().all(|c| c.is_ascii_digit())
}

fn span_of(tokens: &[Token]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    }
}

/// The number of the list that a line defines.
fn phase_list_head(line: &[Token]) -> Option<usize> {
    let [word, equals, ..] = line else { return None };
    let (head, digits) = words::split(&word.text);
    (head == "ph" && equals.text == "=").then(|| digits.parse().ok()).flatten()
}

fn continues(line: &[Token]) -> bool {
    line.first().is_some_and(|t| {
        t.kind == TokenKind::Number || t.kind == TokenKind::Sign && (t.text == "{" || t.text == "^" || t.text == "+")
    })
}
