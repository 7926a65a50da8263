//! Lexer: text to tokens. Always succeeds: invalid characters become diagnostics and are skipped.

use super::foreign;
use crate::diagnostic::{Code, Diagnostic, MOST_MISTAKES};
use crate::source::Span;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{anychar, char, digit1, one_of, satisfy};
use nom::combinator::{opt, peek, recognize};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

/// Kind of a token.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    /// A number without its unit.
    Number(f64),
    /// An identifier or keyword.
    Name(String),
    /// A string literal, without quotes.
    Text(String),
    /// An operator or punctuation: one of [`SIGNS`].
    Sign(&'static str),
    /// End of file.
    End,
}

/// A token with its span and line position.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Its kind.
    pub kind: TokenKind,
    /// Its span.
    pub span: Span,
    /// True if it is the first token of its line.
    pub first_of_line: bool,
}

/// Operators and punctuation; longer ones first, so that `..` is not lexed as two dots.
pub const SIGNS: &[&str] = &["..", "{", "}", "(", ")", "[", "]", "+", "-", "*", "/", "^", "=", ":", ",", ".", "|"];

/// Tokenizes a whole text.
pub fn tokenize(text: &str, file: u32) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut tokens = Vec::with_capacity(text.len() / 4);
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
        if rest.is_empty() {
            tokens.push(Token { kind: TokenKind::End, span: span(0), first_of_line });
            return (tokens, diagnostics);
        }
        // Behind a number or a parenthesis a percent sign is a unit; elsewhere it is no part of the language.
        let quantity =
            matches!(tokens.last().map(|t: &Token| &t.kind), Some(TokenKind::Number(_) | TokenKind::Sign(")")));
        if let Some(next) = rest.strip_prefix('%').filter(|_| quantity && !first_of_line) {
            tokens.push(Token { kind: TokenKind::Name("%".into()), span: span(1), first_of_line });
            rest = next;
            continue;
        }
        if let Some(found) = foreign::notation(rest, first_of_line) {
            if diagnostics.len() < MOST_MISTAKES {
                diagnostics.push(found.diagnostic(span(found.length)));
            }
            if let Some(instead) = found.instead {
                let kind = match instead {
                    foreign::Instead::Sign(sign) => TokenKind::Sign(sign),
                    foreign::Instead::Text(text) => TokenKind::Text(text),
                };
                tokens.push(Token { kind, span: span(found.length), first_of_line });
                first_of_line = false;
            }
            rest = rest.get(found.skipped..).unwrap_or_default();
            continue;
        }
        if let Ok((next, kind)) = token(rest) {
            let length = rest.len() - next.len();
            if let TokenKind::Number(value) = kind
                && !value.is_finite()
            {
                diagnostics.push(
                    Diagnostic::new(Code::MalformedNumber, span(length), "this number is too large")
                        .label("larger than any 64-bit number"),
                );
            }
            tokens.push(Token { kind, span: span(length), first_of_line });
            first_of_line = false;
            rest = next;
            continue;
        }
        let (diagnostic, after) = unreadable(rest, span);
        if diagnostics.len() < MOST_MISTAKES {
            diagnostics.push(diagnostic);
        }
        rest = after;
    }
}

/// The first carriage return that is not followed by a line feed, outside of comments and strings or not.
fn bare_carriage_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().position(|(k, b)| *b == b'\r' && bytes.get(k + 1) != Some(&b'\n'))
}

/// Skips whitespace and comments; true if a line ended. A carriage return without a line feed, which is reported, ends a line too.
fn skip_blank(text: &str) -> (&str, bool) {
    let blank = |c: &char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{feff}');
    let mut rest = text;
    let mut crossed = false;
    loop {
        crossed |= rest.chars().take_while(blank).any(|c| matches!(c, '\n' | '\r'));
        rest = rest.trim_start_matches(|c| blank(&c));
        if !rest.starts_with('#') {
            return (rest, crossed);
        }
        rest = match rest.split_once('\n') {
            Some((_, after)) => {
                crossed = true;
                after
            }
            None => "",
        };
    }
}

fn token(input: &str) -> IResult<&str, TokenKind> {
    alt((number, name, degree, quoted, sign)).parse(input)
}

/// `12`, `0.5`, `.5`, `1e-3`. A dot belongs to the number only if no second dot follows: `1..N` is a range.
fn number(input: &str) -> IResult<&str, TokenKind> {
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let fraction = preceded((char('.'), nom::combinator::not(char('.'))), take_while(|c: char| c.is_ascii_digit()));
    let whole = recognize((digit1, opt(fraction), opt(exponent)));
    let exponent = (one_of("eE"), opt(one_of("+-")), digit1);
    let point_first = recognize((char('.'), digit1, opt(exponent)));
    let (rest, digits) = alt((whole, point_first)).parse(input)?;
    // `f64` parses digits, a dot and an exponent; the fallback is reachable only if this grammar changes.
    Ok((rest, TokenKind::Number(digits.parse().unwrap_or(f64::NAN))))
}

fn name(input: &str) -> IResult<&str, TokenKind> {
    let begin = satisfy(|c| c.is_alphabetic() || c == '_');
    let (rest, text) = recognize(pair(begin, take_while(|c: char| c.is_alphanumeric() || c == '_'))).parse(input)?;
    Ok((rest, TokenKind::Name(text.to_string())))
}

/// The degree sign is the unit `deg`; degrees of temperature (°C) are not a unit and are lexed as one word, to be rejected as such.
fn degree(input: &str) -> IResult<&str, TokenKind> {
    let (rest, _) = char('°').parse(input)?;
    let mut word = take_while(|c: char| c.is_alphanumeric() || c == '_');
    let (rest, text): (&str, &str) = word.parse(rest)?;
    let name = if text.is_empty() { "deg".to_string() } else { format!("°{text}") };
    Ok((rest, TokenKind::Name(name)))
}

fn quoted(input: &str) -> IResult<&str, TokenKind> {
    let (rest, _) = char('"').parse(input)?;
    let (rest, text) = take_while(|c| c != '"' && c != '\n').parse(rest)?;
    let (rest, _) = char('"').parse(rest)?;
    Ok((rest, TokenKind::Text(text.to_string())))
}

fn sign(input: &str) -> IResult<&str, TokenKind> {
    for sign in SIGNS {
        let found: IResult<&str, &str> = tag(*sign).parse(input);
        if let Ok((rest, _)) = found {
            return Ok((rest, TokenKind::Sign(sign)));
        }
    }
    let refused: IResult<&str, char> = peek(one_of("")).parse(input);
    refused.map(|(rest, _)| (rest, TokenKind::End))
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
    let run = take_while1(|c: char| {
        !c.is_alphanumeric() && !c.is_whitespace() && !"_\"#.".contains(c) && !SIGNS.contains(&&*c.to_string())
    });
    let stray: IResult<&str, &str> = alt((run, recognize(anychar))).parse(rest);
    let (after, stray) = stray.unwrap_or(("", rest));
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

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokenize(text, 0).0.into_iter().map(|t| t.kind).collect()
    }

    #[test]
    fn a_range_is_not_a_fraction() {
        use TokenKind::*;
        assert_eq!(kinds("1..N"), [Number(1.0), Sign(".."), Name("N".into()), End]);
        assert_eq!(kinds("1.5e-3 .5 2."), [Number(1.5e-3), Number(0.5), Number(2.0), End]);
    }

    #[test]
    fn a_unit_may_touch_its_number() {
        use TokenKind::*;
        assert_eq!(kinds("2us 13C"), [Number(2.0), Name("us".into()), Number(13.0), Name("C".into()), End]);
        assert_eq!(kinds("5 %"), [Number(5.0), Name("%".into()), End]);
        assert_eq!(kinds("90° 5 µs"), [Number(90.0), Name("deg".into()), Number(5.0), Name("µs".into()), End]);
    }

    #[test]
    fn line_ends_are_lf_or_cr_lf() {
        let (tokens, diagnostics) = tokenize("a\r\nb", 0);
        assert!(diagnostics.is_empty() && tokens[1].first_of_line);
        // The first of them is reported, and each ends its line.
        let (tokens, diagnostics) = tokenize("a\rb\rc", 0);
        assert_eq!((diagnostics.len(), diagnostics[0].span.map(|s| (s.start, s.end))), (1, Some((1, 2))));
        assert!(tokens.iter().take(3).all(|t| t.first_of_line));
    }

    #[test]
    fn unreadable_text_is_passed_over() {
        let (tokens, diagnostics) = tokenize("a ? b \"c\n d", 0);
        assert_eq!(tokens.len(), 4);
        assert_eq!(diagnostics.len(), 2);
    }
}
