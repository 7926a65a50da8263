//! From words to statements.

use super::item::Items;
use super::lexer::{Lexed, Token, TokenKind, lex};
use super::mistake::mistake;
use super::tree::{Item, ItemKind, PhaseList, PulseProgram, Statement};
use super::words;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// The directives of the preprocessor.
const DIRECTIVES: &[&str] = &["include", "define", "undef", "ifdef", "ifndef", "if", "elif", "else", "endif"];

/// Reads a text; also says what is wrong.
pub fn parse(text: &str, file: u32) -> (PulseProgram, Vec<Diagnostic>) {
    let Lexed { tokens, comments, directives, said } = lex(text, file);
    let mut parser = Parser { program: PulseProgram { comments, ..PulseProgram::default() }, said };
    parser.directives(&directives);
    parser.statements(&tokens);
    (parser.program, parser.said)
}

struct Parser {
    program: PulseProgram,
    said: Vec<Diagnostic>,
}

impl Parser {
    fn directives(&mut self, directives: &[(String, Span)]) {
        let mut open: Vec<Span> = Vec::new();
        for (text, span) in directives {
            let text = text.trim_start_matches('#').trim_start();
            let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
            let rest = text.get(word.len()..).unwrap_or_default().split(';').next().unwrap_or_default().trim();
            match word.as_str() {
                "include" => {
                    let path = rest.trim_matches(|c: char| "<>\" ".contains(c));
                    self.program.includes.push(path.to_string());
                }
                "define" => {
                    let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
                    self.program.macros.push(name.to_string());
                }
                "ifdef" | "ifndef" | "if" => open.push(*span),
                "endif" if open.pop().is_none() => {
                    self.said.push(mistake(*span, "`#endif` without `#ifdef`", "nothing is open here", "take it out"));
                }
                "endif" | "elif" | "else" | "undef" | "" => {}
                _ => self.said.push(
                    Diagnostic::new(Code::PulseProgram, *span, format!("the preprocessor has no word `{word}`"))
                        .did_you_mean(&word, DIRECTIVES.iter().copied())
                        .help(format!("its words are {}", DIRECTIVES.join(", "))),
                ),
            }
        }
        for span in open {
            self.said.push(mistake(
                span,
                "a condition that does not end",
                "`#endif` is missing",
                "end it with `#endif`",
            ));
        }
    }

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
                        "lists of phases stand behind `exit`",
                        "move it behind `exit`",
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
                format!("`{}` is no phase", token.text),
                "not a number",
                "a list of phases has numbers, `{0 2}*4` and other lists: ph1=0 2",
            ));
        }
        if rest.is_empty() {
            self.said.push(mistake(span, format!("`ph{number}` has no phases"), "empty", "write them: ph1=0 2"));
        }
        let degrees = degrees(rest);
        self.program.phases.push(PhaseList { number, degrees, span });
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

/// A list of phases in degrees; none where it refers to others, or is no list.
fn degrees(tokens: &[Token]) -> Option<Vec<f64>> {
    let (unit, tokens) = match tokens {
        [open, word, comma, _, close, rest @ ..]
            if open.text == "("
                && matches!(word.text.as_str(), "float" | "degree")
                && comma.text == ","
                && close.text == ")" =>
        {
            (1.0, rest)
        }
        [open, number, close, rest @ ..] if open.text == "(" && close.text == ")" => {
            (360.0 / number.text.parse::<f64>().ok().filter(|x| *x > 0.0)?, rest)
        }
        _ => (90.0, tokens),
    };
    let mut at = 0;
    let values = entries(tokens, &mut at)?;
    (at == tokens.len()).then(|| values.into_iter().map(|x| x * unit).collect())
}

/// The entries of a list up to its end or to a closing brace: `{0 2}*2` is repeated, `{0}^1` goes on with the next phase.
fn entries(tokens: &[Token], at: &mut usize) -> Option<Vec<f64>> {
    const MOST: usize = 65_536;
    let mut out: Vec<f64> = Vec::new();
    while let Some(token) = tokens.get(*at) {
        match (token.kind, token.text.as_str()) {
            (TokenKind::Number, text) => {
                out.push(text.parse().ok()?);
                *at += 1;
            }
            (TokenKind::Sign, "-") => {
                out.push(-tokens.get(*at + 1)?.text.parse::<f64>().ok()?);
                *at += 2;
            }
            (TokenKind::Sign, "{") => {
                *at += 1;
                let mut inner = entries(tokens, at)?;
                if tokens.get(*at)?.text != "}" {
                    return None;
                }
                *at += 1;
                loop {
                    match tokens.get(*at).map(|t| t.text.as_str()) {
                        Some("*") => {
                            let times: usize = tokens.get(*at + 1)?.text.parse().ok()?;
                            if times.saturating_mul(inner.len()) > MOST {
                                return None;
                            }
                            inner = inner.repeat(times);
                            *at += 2;
                        }
                        // Once more, with every phase larger by each of the numbers behind the sign.
                        Some("^") => {
                            let base = inner.clone();
                            *at += 1;
                            while let Some(step) = tokens.get(*at).and_then(|t| t.text.parse::<f64>().ok()) {
                                inner.extend(base.iter().map(|x| x + step));
                                *at += 1;
                                if tokens.get(*at).is_some_and(|t| t.text == "^") {
                                    *at += 1;
                                } else {
                                    break;
                                }
                            }
                        }
                        _ => break,
                    }
                }
                out.extend(inner);
            }
            (TokenKind::Sign, "}") => return Some(out),
            _ => return None,
        }
    }
    Some(out)
}
