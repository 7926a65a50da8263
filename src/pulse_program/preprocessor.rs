//! The preprocessor: conditions, definitions and included files.

use super::expression::condition;
use super::lexer::{Token, TokenKind, lex};
use super::mistake::mistake;
use super::tree::LeftOut;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The directives of the preprocessor.
const DIRECTIVES: &[&str] = &["include", "define", "undef", "ifdef", "ifndef", "if", "elif", "else", "endif"];

/// The most words that definitions put into a program: those that stand in each other grow without end.
const MOST: usize = 200_000;

/// What the preprocessor leaves.
#[derive(Debug, Default)]
pub struct Preprocessed {
    pub tokens: Vec<Token>,
    pub includes: Vec<String>,
    /// Names that it knows anywhere in the program.
    pub macros: Vec<String>,
    pub left_out: Vec<LeftOut>,
    pub said: Vec<Diagnostic>,
}

/// A condition that is open.
struct Open {
    span: Span,
    /// Whether its branch is read now.
    taken: bool,
    /// Whether one of its branches was.
    before: bool,
    text: String,
}

struct Preprocessor<'a> {
    known: BTreeMap<String, Vec<Token>>,
    open: Vec<Open>,
    out: Preprocessed,
    file: u32,
    defined: &'a BTreeSet<String>,
}

/// Follows the directives of a program and puts definitions in the place of their names.
pub fn preprocess(
    tokens: Vec<Token>,
    directives: &[(String, Span)],
    file: u32,
    defined: &BTreeSet<String>,
) -> Preprocessed {
    let known = defined.iter().map(|name| (name.clone(), vec![])).collect();
    let mut preprocessor = Preprocessor { known, open: vec![], out: Preprocessed::default(), file, defined };
    let mut directives = directives.iter().peekable();
    for token in tokens {
        while let Some((text, span)) = directives.next_if(|(_, span)| span.start < token.span.start) {
            preprocessor.directive(text, *span);
        }
        preprocessor.token(token);
    }
    for (text, span) in directives {
        preprocessor.directive(text, *span);
    }
    for open in std::mem::take(&mut preprocessor.open) {
        preprocessor.out.said.push(mistake(
            open.span,
            "unterminated condition",
            "`#endif` is missing",
            "end it with `#endif`",
        ));
    }
    preprocessor.out
}

impl Preprocessor<'_> {
    fn reads(&self) -> bool {
        self.open.iter().all(|o| o.taken)
    }

    fn token(&mut self, token: Token) {
        if self.reads() {
            self.put(&token, &mut Vec::new());
        } else if token.kind == TokenKind::End {
            self.out.tokens.push(token);
        } else {
            let condition = self.open.iter().find(|o| !o.taken).map_or(String::new(), |o| o.text.clone());
            match self.out.left_out.last_mut() {
                Some(last) if last.condition == condition => last.span = last.span.to(token.span),
                _ => self.out.left_out.push(LeftOut { condition, span: token.span }),
            }
        }
    }

    /// A word, or what it is defined as.
    fn put(&mut self, token: &Token, within: &mut Vec<String>) {
        let body = self
            .known
            .get(&token.text)
            .filter(|body| token.kind == TokenKind::Word && !body.is_empty() && !within.contains(&token.text));
        let Some(body) = body.cloned() else {
            self.out.tokens.push(token.clone());
            return;
        };
        if self.out.tokens.len() > MOST {
            return;
        }
        within.push(token.text.clone());
        for part in body {
            self.put(&Token { span: token.span, ..part }, within);
        }
        within.pop();
    }

    fn directive(&mut self, text: &str, span: Span) {
        let text = text.trim_start_matches('#').trim_start();
        let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
        let rest = text.get(word.len()..).unwrap_or_default();
        let rest = rest.split(';').next().and_then(|r| r.split("/*").next()).unwrap_or_default().trim();
        let rest = rest.split("//").next().unwrap_or_default().trim();
        match word.as_str() {
            "ifdef" | "ifndef" | "if" => {
                let holds = self.holds(&word, rest, span);
                self.open.push(Open { span, taken: holds, before: holds, text: format!("#{word} {rest}") });
            }
            "else" | "elif" => {
                let holds = word == "else" || self.holds("if", rest, span);
                match self.open.last_mut() {
                    Some(open) => {
                        open.taken = holds && !open.before;
                        open.before |= holds;
                        open.text = format!("#{word} of {}", open.text.trim_start_matches("#else of "));
                    }
                    None => self.alone(span, &word),
                }
            }
            "endif" => {
                if self.open.pop().is_none() {
                    self.alone(span, "endif");
                }
            }
            "include" => {
                let path = rest.trim_matches(|c: char| "<>\" ".contains(c));
                self.out.includes.push(path.to_string());
            }
            "define" => self.define(rest, span),
            "undef" if self.reads() => drop(self.known.remove(rest)),
            "undef" | "" => {}
            _ => self.out.said.push(
                Diagnostic::new(Code::PulseProgram, span, format!("unknown preprocessor word `{word}`"))
                    .did_you_mean(&word, DIRECTIVES.iter().copied())
                    .help(format!("known words are {}", DIRECTIVES.join(", "))),
            ),
        }
    }

    fn alone(&mut self, span: Span, word: &str) {
        let message = format!("`#{word}` without `#ifdef`");
        self.out.said.push(mistake(span, message, "no open condition", "remove it"));
    }

    /// Whether the branch of a condition is read.
    fn holds(&mut self, word: &str, rest: &str, span: Span) -> bool {
        let name = rest.split_whitespace().next().unwrap_or_default();
        match word {
            "ifdef" => self.known.contains_key(name),
            "ifndef" => !self.known.contains_key(name),
            _ => {
                // `defined(X) && !defined(Y)`, and numbers that names stand for.
                let value = condition(&self.resolved(rest)).and_then(|e| {
                    let number =
                        |name: &str| self.known.get(name).and_then(|body| body.first()?.text.parse::<f64>().ok());
                    e.value(&|name| Some(number(name).unwrap_or(0.0)))
                });
                match value {
                    Some(x) => x != 0.0,
                    None => {
                        let message = format!("the condition `{rest}` cannot be read");
                        let help = "use `#ifdef NAME`, `#if defined(NAME)` or `#if 1`";
                        self.out.said.push(mistake(span, message, "not understood", help));
                        false
                    }
                }
            }
        }
    }

    /// A condition with 1 and 0 in the place of `defined(NAME)`.
    fn resolved(&self, text: &str) -> String {
        let tokens = lex(text, self.file).tokens;
        let mut out = String::new();
        let mut k = 0;
        while let Some(token) = tokens.get(k) {
            if token.text == "defined" {
                let open = tokens.get(k + 1).is_some_and(|t| t.text == "(");
                let name = tokens.get(if open { k + 2 } else { k + 1 }).map_or("", |t| t.text.as_str());
                out += if self.known.contains_key(name) { " 1 " } else { " 0 " };
                k += if open { 4 } else { 2 };
            } else {
                out += &token.text;
                out.push(' ');
                k += 1;
            }
        }
        out.replace("= =", "==").replace("! =", "!=").replace("< =", "<=").replace("> =", ">=").trim().to_string()
    }

    /// `#define NAME`, `#define NAME words`. One that takes arguments is known by its name alone.
    fn define(&mut self, rest: &str, span: Span) {
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        self.out.macros.push(name.clone());
        if !self.reads() || self.defined.contains(&name) {
            return;
        }
        let body = rest.get(name.len()..).unwrap_or_default();
        let body = if body.starts_with('(') { String::new() } else { body.replace("\\n", " ").replace('\\', " ") };
        let tokens = lex(&body, self.file).tokens.into_iter().filter(|t| t.kind != TokenKind::End);
        self.known.insert(name, tokens.map(|t| Token { span, ..t }).collect());
    }
}
