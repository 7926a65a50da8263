//! Lexer: text to tokens. Always succeeds: invalid characters become diagnostics and are skipped.
//!
//! A long program has ten tokens a statement, so a token is stored in twelve bytes: its position, and what it is. Names and strings are
//! read from the text again when they are needed.

use super::foreign;
use crate::diagnostic::{Code, Diagnostic, MOST_MISTAKES};
use crate::source::Span;
use nom::bytes::complete::{take_till, take_while};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{not, opt, recognize};
use nom::{IResult, Parser};

/// Kind of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TokenKind<'a> {
    /// A number without its unit.
    Number(f64),
    /// An identifier or keyword.
    Name(&'a str),
    /// A string literal, without quotes.
    Text(&'a str),
    /// An operator or punctuation: one of [`SIGNS`].
    Sign(&'static str),
    /// End of file.
    End,
}

/// A token with its span and line position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Token<'a> {
    /// Its kind.
    pub kind: TokenKind<'a>,
    /// Its span.
    pub span: Span,
    /// True if it is the first token of its line.
    pub first_of_line: bool,
}

/// Operators and punctuation; longer ones first, so that `..` is not lexed as two dots.
pub const SIGNS: &[&str] = &["..", "{", "}", "(", ")", "[", "]", "+", "-", "*", "/", "^", "=", ":", ",", ".", "|"];

/// The tokens of a text; the last one is its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tokens {
    file: u32,
    list: Vec<Packed>,
    numbers: Vec<f64>,
}

/// A token: its position, its class, whether it begins a line, and the index of its number or sign.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Packed {
    start: u32,
    end: u32,
    /// Class in bits 0 to 2, beginning of a line in bit 3, index in the others. A text of 4 GB has fewer numbers than 2^28.
    what: u32,
}

/// What a packed token is.
#[derive(Clone, Copy, PartialEq)]
enum Class {
    Number,
    Name,
    Text,
    Sign,
    End,
}

const CLASSES: [Class; 5] = [Class::Number, Class::Name, Class::Text, Class::Sign, Class::End];
const CLASS: u32 = 0b111;
const BEGINS_LINE: u32 = 0b1000;
const INDEX: u32 = 4;

impl Packed {
    fn class(self) -> Class {
        CLASSES.get((self.what & CLASS) as usize).copied().unwrap_or(Class::End)
    }

    fn index(self) -> usize {
        (self.what >> INDEX) as usize
    }

    /// The name or string of a text that is read as this token.
    fn word(self, text: &str) -> &str {
        let written = text.get(self.start as usize..self.end as usize).unwrap_or_default();
        match self.class() {
            Class::Text => {
                // Without its quotation marks, which may be typographic.
                let mut inner = written.chars();
                inner.next();
                inner.next_back();
                inner.as_str()
            }
            _ if written == DEGREE => "deg",
            _ => written,
        }
    }
}

/// The degree sign is the unit `deg`.
const DEGREE: &str = "\u{b0}";

impl Tokens {
    /// Their number.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True if there is none, not even the end.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// A token of the text from which they were read.
    pub fn get<'a>(&self, text: &'a str, k: usize) -> Option<Token<'a>> {
        self.list.get(k).map(|packed| self.unpacked(text, *packed))
    }

    /// All tokens of the text from which they were read.
    pub fn all<'s, 'a: 's>(&'s self, text: &'a str) -> impl Iterator<Item = Token<'a>> + 's {
        self.list.iter().map(move |packed| self.unpacked(text, *packed))
    }

    /// Indices of the tokens that are this name.
    pub(super) fn named<'s>(&'s self, text: &'s str, name: &'s str) -> impl Iterator<Item = usize> + 's {
        let is = move |packed: &Packed| {
            (packed.end - packed.start) as usize == name.len()
                && packed.class() == Class::Name
                && packed.word(text) == name
        };
        self.list.iter().enumerate().filter(move |(_, packed)| is(packed)).map(|(k, _)| k)
    }

    fn unpacked<'a>(&self, text: &'a str, packed: Packed) -> Token<'a> {
        let kind = match packed.class() {
            Class::Number => TokenKind::Number(self.numbers.get(packed.index()).copied().unwrap_or(f64::NAN)),
            Class::Name => TokenKind::Name(packed.word(text)),
            Class::Text => TokenKind::Text(packed.word(text)),
            Class::Sign => SIGNS.get(packed.index()).map_or(TokenKind::End, |sign| TokenKind::Sign(sign)),
            Class::End => TokenKind::End,
        };
        let span = Span { file: self.file, start: packed.start, end: packed.end };
        Token { kind, span, first_of_line: packed.what & BEGINS_LINE != 0 }
    }

    fn push(&mut self, (class, index): (Class, usize), (start, end): (usize, usize), first_of_line: bool) {
        let line = if first_of_line { BEGINS_LINE } else { 0 };
        let what = class as u32 | line | (index as u32) << INDEX;
        self.list.push(Packed { start: start as u32, end: end as u32, what });
    }

    /// True if a percent sign that follows is a unit: behind a number or a parenthesis.
    fn ends_in_quantity(&self) -> bool {
        self.list.last().is_some_and(|last| match last.class() {
            Class::Number => true,
            Class::Sign => SIGNS.get(last.index()) == Some(&")"),
            _ => false,
        })
    }
}

/// Tokenizes a whole text.
pub fn tokenize(text: &str, file: u32) -> (Tokens, Vec<Diagnostic>) {
    // An average token and the blank behind it have four or five letters.
    let mut tokens = Tokens { file, list: Vec::with_capacity(text.len() / 4), numbers: Vec::new() };
    let mut diagnostics = Vec::new();
    let mut rest = text;
    let mut first_of_line = true;
    if let Some(at) = bare_carriage_return(text) {
        let span = Span { file, start: at as u32, end: at as u32 + 1 };
        diagnostics.push(foreign::carriage_return(span));
    }
    loop {
        let (after, crossed) = skip_blank(rest);
        first_of_line |= crossed;
        rest = after;
        let start = text.len() - rest.len();
        let span = |len: usize| Span { file, start: start as u32, end: (start + len) as u32 };
        let Some(first) = rest.bytes().next() else {
            tokens.push((Class::End, 0), (start, start), first_of_line);
            return (tokens, diagnostics);
        };
        // Most tokens are names and numbers, with which no foreign notation begins.
        let plain = first.is_ascii_alphanumeric() || first == b'_';
        // Behind a number or a parenthesis a percent sign is a unit; elsewhere it is no part of the language.
        if first == b'%' && !first_of_line && tokens.ends_in_quantity() {
            tokens.push((Class::Name, 0), (start, start + 1), false);
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        if !plain && let Some(found) = foreign::notation(rest, first_of_line) {
            if diagnostics.len() < MOST_MISTAKES {
                diagnostics.push(found.diagnostic(span(found.length)));
            }
            if let Some(instead) = found.instead {
                let kind = match instead {
                    foreign::Instead::Sign(sign) => (Class::Sign, index_of(sign)),
                    foreign::Instead::Text => (Class::Text, 0),
                };
                tokens.push(kind, (start, start + found.length), first_of_line);
                first_of_line = false;
            }
            rest = rest.get(found.skipped..).unwrap_or_default();
            continue;
        }
        if let Some((kind, length)) = token(rest) {
            let kind = match kind {
                Lexeme::Number(value) => {
                    if !value.is_finite() {
                        diagnostics.push(
                            Diagnostic::new(Code::MalformedNumber, span(length), "this number is too large")
                                .label("larger than any 64-bit number"),
                        );
                    }
                    tokens.numbers.push(value);
                    (Class::Number, tokens.numbers.len() - 1)
                }
                Lexeme::Name => (Class::Name, 0),
                Lexeme::Text => (Class::Text, 0),
                Lexeme::Sign(index) => (Class::Sign, index),
            };
            tokens.push(kind, (start, start + length), first_of_line);
            first_of_line = false;
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let (diagnostic, after) = unreadable(rest, span);
        if diagnostics.len() < MOST_MISTAKES {
            diagnostics.push(diagnostic);
        }
        rest = after;
    }
}

fn index_of(sign: &str) -> usize {
    SIGNS.iter().position(|s| *s == sign).unwrap_or(SIGNS.len())
}

/// The first carriage return that is not followed by a line feed, outside of comments and strings or not.
fn bare_carriage_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    text.match_indices('\r').map(|(k, _)| k).find(|k| bytes.get(k + 1) != Some(&b'\n'))
}

/// Skips whitespace and comments; true if a line ended. A carriage return without a line feed, which is reported, ends a line too.
fn skip_blank(text: &str) -> (&str, bool) {
    let mut rest = text;
    let mut crossed = false;
    loop {
        let blank = |b: u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        let length = rest.bytes().position(|b| !blank(b)).unwrap_or(rest.len());
        crossed |= rest.bytes().take(length).any(|b| b == b'\n' || b == b'\r');
        rest = rest.get(length..).unwrap_or_default();
        match rest.bytes().next() {
            Some(b'#') => {
                rest = match rest.split_once('\n') {
                    Some((_, after)) => {
                        crossed = true;
                        after
                    }
                    None => "",
                };
            }
            Some(0xef) if rest.starts_with('\u{feff}') => rest = rest.trim_start_matches('\u{feff}'),
            _ => return (rest, crossed),
        }
    }
}

/// What a text begins with.
enum Lexeme {
    Number(f64),
    Name,
    Text,
    Sign(usize),
}

/// The token that a text begins with, and its length.
fn token(text: &str) -> Option<(Lexeme, usize)> {
    let first = text.bytes().next()?;
    match first {
        b'0'..=b'9' => Some(number(text)),
        b'.' if text.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => Some(number(text)),
        b'"' => quoted(text).map(|length| (Lexeme::Text, length)),
        // Degrees of temperature are not a unit, and are lexed as one word, to be rejected as such.
        _ if text.starts_with(DEGREE) => {
            let length = DEGREE.len();
            Some((Lexeme::Name, length + word(text.get(length..)?)))
        }
        b'_' => Some((Lexeme::Name, word(text))),
        _ if first.is_ascii_alphabetic() => Some((Lexeme::Name, word(text))),
        _ if !first.is_ascii() => text.chars().next()?.is_alphabetic().then(|| (Lexeme::Name, word(text))),
        _ => {
            let index =
                SIGNS.iter().position(|sign| sign.as_bytes().first() == Some(&first) && text.starts_with(sign))?;
            SIGNS.get(index).map(|sign| (Lexeme::Sign(index), sign.len()))
        }
    }
}

/// Length of the letters, digits and underscores that a text begins with.
fn word(text: &str) -> usize {
    let plain = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    let rest = text.get(plain..).unwrap_or_default();
    match rest.bytes().next() {
        Some(b) if !b.is_ascii() => plain + rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
        _ => plain,
    }
}

/// `12`, `0.5`, `.5`, `1e-3`, and its length. A dot belongs to the number only if no second dot follows: `1..N` is a range.
fn number(text: &str) -> (Lexeme, usize) {
    let digits = || take_while(|c: char| c.is_ascii_digit());
    let fraction = (char('.'), not(char('.')), digits());
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    // Each part may be absent, so this always succeeds.
    let numeral: IResult<&str, &str> = recognize((digits(), opt(fraction), opt(exponent))).parse(text);
    let numeral = numeral.map_or("", |(_, numeral)| numeral);
    // Whole numbers below 10^15 are exact.
    if numeral.len() <= 15 && numeral.bytes().all(|b| b.is_ascii_digit()) {
        let value = numeral.bytes().fold(0u64, |value, b| 10 * value + u64::from(b - b'0'));
        return (Lexeme::Number(value as f64), numeral.len());
    }
    // `f64` parses digits, a dot and an exponent; the fallback is reachable only if this grammar changes.
    (Lexeme::Number(numeral.parse().unwrap_or(f64::NAN)), numeral.len())
}

/// Length of a string in double quotes, which ends in its line.
fn quoted(text: &str) -> Option<usize> {
    let string: IResult<&str, &str> =
        recognize((char('"'), take_till(|c| c == '"' || c == '\n'), char('"'))).parse(text);
    string.ok().map(|(_, string)| string.len())
}

/// Diagnostic for text that is not a valid token, and the remaining text.
fn unreadable(rest: &str, span: impl Fn(usize) -> Span) -> (Diagnostic, &str) {
    if rest.starts_with('"') {
        let after = rest.trim_start_matches(|c| c != '\n');
        let length = rest.len() - after.len();
        let diagnostic =
            Diagnostic::new(Code::UnclosedText, span(length), "unterminated string").label("missing closing `\"`");
        return (diagnostic, after);
    }
    let stray = |c: char| {
        !c.is_alphanumeric() && !c.is_whitespace() && !"_\"#.".contains(c) && !SIGNS.contains(&&*c.to_string())
    };
    let run = rest.find(|c| !stray(c)).unwrap_or(rest.len());
    let length = run.max(rest.chars().next().map_or(0, char::len_utf8));
    let (stray, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
    let shown = stray.escape_debug().to_string();
    let mut diagnostic =
        Diagnostic::new(Code::StrayCharacter, span(stray.len()), format!("unexpected character `{shown}`"));
    diagnostic = match stray.chars().next().unwrap_or(' ') {
        '×' | '·' => diagnostic.help("write a product with `*`"),
        '−' | '–' => diagnostic.help("write a minus with `-`"),
        '%' => diagnostic.help("a comment starts with `#`"),
        '<' | '>' => diagnostic.help("numbers are not compared in a sequence; `expect` compares results"),
        '\'' => diagnostic.help("a string is written in double quotes: \"...\""),
        _ => diagnostic,
    };
    (diagnostic, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind<'_>> {
        tokenize(text, 0).0.all(text).map(|t| t.kind).collect()
    }

    #[test]
    fn a_range_is_not_a_fraction() {
        use TokenKind::*;
        assert_eq!(kinds("1..N"), [Number(1.0), Sign(".."), Name("N"), End]);
        assert_eq!(kinds("1.5e-3 .5 2."), [Number(1.5e-3), Number(0.5), Number(2.0), End]);
    }

    #[test]
    fn a_unit_may_touch_its_number() {
        use TokenKind::*;
        assert_eq!(kinds("2us 13C"), [Number(2.0), Name("us"), Number(13.0), Name("C"), End]);
        assert_eq!(kinds("5 %"), [Number(5.0), Name("%"), End]);
        assert_eq!(kinds("90° 5 µs"), [Number(90.0), Name("deg"), Number(5.0), Name("µs"), End]);
    }

    #[test]
    fn line_ends_are_lf_or_cr_lf() {
        let begins = |text: &str, k: usize| tokenize(text, 0).0.get(text, k).is_some_and(|t| t.first_of_line);
        let (_, diagnostics) = tokenize("a\r\nb", 0);
        assert!(diagnostics.is_empty() && begins("a\r\nb", 1));
        // The first of them is reported, and each ends its line.
        let (_, diagnostics) = tokenize("a\rb\rc", 0);
        assert_eq!((diagnostics.len(), diagnostics[0].span.map(|s| (s.start, s.end))), (1, Some((1, 2))));
        assert!((0..3).all(|k| begins("a\rb\rc", k)));
    }

    #[test]
    fn unreadable_text_is_passed_over() {
        let (tokens, diagnostics) = tokenize("a ? b \"c\n d", 0);
        assert_eq!(tokens.len(), 4);
        assert_eq!(diagnostics.len(), 2);
    }
}
