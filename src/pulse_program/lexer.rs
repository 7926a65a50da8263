//! From text to words.

use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// A word of a pulse program.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    pub text: String,
    pub span: Span,
}

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters, digits and `_`.
    Word,
    /// Digits, with a unit where one stands right behind them.
    Number,
    /// What stands between two `"`.
    Relation,
    /// A single sign.
    Sign,
    /// The end of a line.
    End,
}

/// Words, comments with their places, and lines of the preprocessor.
#[derive(Debug, Default)]
pub struct Lexed {
    pub tokens: Vec<Token>,
    pub comments: Vec<(String, Span)>,
    pub directives: Vec<(String, Span)>,
    pub said: Vec<Diagnostic>,
}

pub struct Lexer<'a> {
    text: &'a str,
    file: u32,
    at: usize,
    out: Lexed,
}

/// Reads a text.
pub fn lex(text: &str, file: u32) -> Lexed {
    let mut lexer = Lexer { text, file, at: 0, out: Lexed::default() };
    lexer.run();
    lexer.out
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn span(&self, start: usize) -> Span {
        Span { file: self.file, start: start as u32, end: self.at as u32 }
    }

    fn take(&mut self, accept: impl Fn(char) -> bool) -> String {
        let taken: String = self.rest().chars().take_while(|c| accept(*c)).collect();
        self.at += taken.len();
        taken
    }

    fn push(&mut self, kind: TokenKind, text: String, start: usize) {
        let span = self.span(start);
        self.out.tokens.push(Token { kind, text, span });
    }

    fn run(&mut self) {
        let mut line_start = true;
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            match c {
                '\n' => {
                    self.at += 1;
                    self.push(TokenKind::End, "\n".into(), start);
                    line_start = true;
                    continue;
                }
                c if c.is_whitespace() => {
                    self.at += c.len_utf8();
                    continue;
                }
                ';' => self.comment(1),
                '/' if self.rest().starts_with("//") => self.comment(2),
                '/' if self.rest().starts_with("/*") => self.block_comment(),
                '#' if line_start => self.directive(),
                '"' => self.relation(),
                c if c.is_ascii_digit()
                    || c == '.' && self.rest().chars().nth(1).is_some_and(|d| d.is_ascii_digit()) =>
                {
                    self.number();
                }
                c if c.is_alphabetic() || c == '_' => {
                    let word = self.take(|c| c.is_alphanumeric() || c == '_');
                    self.push(TokenKind::Word, word, start);
                }
                // A line that is gone on with.
                '\\' => self.at += if self.rest().starts_with("\\n") { 2 } else { 1 },
                c => {
                    self.at += c.len_utf8();
                    self.push(TokenKind::Sign, c.to_string(), start);
                }
            }
            line_start = false;
        }
        let end = self.at;
        self.push(TokenKind::End, "\n".into(), end);
    }

    fn comment(&mut self, marks: usize) {
        let start = self.at;
        let text = self.take(|c| c != '\n');
        let span = self.span(start);
        self.out.comments.push((text.get(marks..).unwrap_or_default().trim_end().to_string(), span));
    }

    fn block_comment(&mut self) {
        let start = self.at;
        match self.rest().find("*/") {
            Some(length) => self.at += length + 2,
            None => {
                self.at = self.text.len();
                let span = Span { file: self.file, start: start as u32, end: start as u32 + 2 };
                let diagnostic = Diagnostic::new(Code::PulseProgram, span, "unterminated comment");
                self.out.said.push(diagnostic.label("`*/` is missing").help("end it with `*/`"));
            }
        }
        let span = self.span(start);
        let text = self.text.get(start..self.at).unwrap_or_default();
        self.out.comments.push((text.trim_start_matches("/*").trim_end_matches("*/").to_string(), span));
    }

    /// A line of the preprocessor, with the lines that a backslash at its end adds.
    fn directive(&mut self) {
        let start = self.at;
        loop {
            let line = self.take(|c| c != '\n');
            if line.trim_end().ends_with('\\') && self.rest().starts_with('\n') {
                self.at += 1;
                continue;
            }
            break;
        }
        let span = self.span(start);
        let text = self.text.get(start..self.at).unwrap_or_default().to_string();
        self.out.directives.push((text, span));
    }

    fn relation(&mut self) {
        let start = self.at;
        self.at += 1;
        let mut text = self.take(|c| c != '"' && c != '\n');
        // A backslash at the end of a line goes on with the next.
        while text.trim_end().ends_with('\\') && self.rest().starts_with('\n') {
            self.at += 1;
            text = text.trim_end().trim_end_matches('\\').to_string() + " " + &self.take(|c| c != '"' && c != '\n');
        }
        if self.rest().starts_with('"') {
            self.at += 1;
            self.push(TokenKind::Relation, text, start);
            return;
        }
        let diagnostic = Diagnostic::new(Code::PulseProgram, self.span(start), "unterminated relation");
        self.out.said.push(diagnostic.label("`\"` is missing").help("end it with `\"`: \"p3=p1*0.5\""));
        self.push(TokenKind::Relation, text, start);
    }

    fn number(&mut self) {
        let start = self.at;
        self.take(|c| c.is_ascii_digit() || c == '.');
        let exponent = self.rest().strip_prefix(['e', 'E']).is_some_and(|rest| {
            rest.strip_prefix(['+', '-']).unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit())
        });
        if exponent {
            self.at += 2;
            self.take(|c| c.is_ascii_digit());
        }
        self.take(|c| c.is_alphanumeric() || c == '_');
        let text = self.text.get(start..self.at).unwrap_or_default().to_string();
        self.push(TokenKind::Number, text, start);
    }
}
