//! Entry points of the parser: a whole file, or a part of one.

use super::ast::{ItemKind, Program, SweepValues};
use super::expr::Expr;
use super::parser::{Parser, Rule};
use super::token::{TokenKind, tokenize};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;

/// Parses a file. Always returns a tree: statements with errors are reported and omitted.
pub fn parse(text: &str, file: u32) -> (Program, Vec<Diagnostic>) {
    if let Some(diagnostic) = pulseq(text, file) {
        return (Program::default(), vec![diagnostic]);
    }
    let (tokens, mut diagnostics) = tokenize(text, file);
    let mut parser = Parser::new(text, &tokens);
    let first = parser.here();
    let program = parser.file();
    let about_version = parser.diagnostics.iter().any(|d| d.code == Code::UnsupportedVersion)
        || !matches!(tokens.get(text, 0).map(|t| t.kind), Some(TokenKind::Name(_)));
    diagnostics.extend(parser.diagnostics);
    if !matches!(program.items.first().map(|i| &i.kind), Some(ItemKind::Version(_))) && !about_version {
        diagnostics.push(
            Diagnostic::new(Code::MissingVersion, first, "the first statement of a file is `ergoseq 1`")
                .label("expected `ergoseq 1` before this")
                .help("it is the version of the language, and distinguishes the file from a Pulseq `.seq` file"),
        );
    }
    // In the order of the text.
    diagnostics.sort_by_key(|d| d.span);
    (program, diagnostics)
}

/// Parses a single expression, such as the value of `--set`.
pub fn parse_expression(text: &str, file: u32) -> Result<Expr, Diagnostic> {
    whole(text, file, |p| p.expression())
}

/// Parses a result, such as `ergotropy at charged`; also returns the mark at which the whole expression is evaluated, if given.
pub fn parse_result(text: &str, file: u32) -> Result<(Expr, Option<String>), Diagnostic> {
    let (expr, mark) = whole(text, file, |p| p.result(""))?;
    Ok((expr, mark.map(|name| name.text)))
}

/// Parses the values of a sweep, such as those of `--sweep`.
pub fn parse_sweep_values(text: &str, file: u32) -> Result<SweepValues, Diagnostic> {
    whole(text, file, |p| p.sweep_values())
}

fn whole<T>(text: &str, file: u32, rule: impl FnOnce(&mut Parser) -> Rule<T>) -> Result<T, Diagnostic> {
    let (tokens, diagnostics) = tokenize(text, file);
    if let Some(diagnostic) = diagnostics.into_iter().next() {
        return Err(diagnostic);
    }
    let mut parser = Parser::new(text, &tokens);
    let value = rule(&mut parser).map_err(|d| *d)?;
    match parser.kind() {
        TokenKind::End => Ok(value),
        _ => Err(parser.unexpected("expected the end of the expression")),
    }
}

/// In YAML an expression is its text, which is parsed.
impl<'de> serde::Deserialize<'de> for Expr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Expr, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_expression(&text, 0).map_err(|d| serde::de::Error::custom(format!("`{text}`: {}", d.message)))
    }
}

/// Pulseq files have the same extension. The text format starts with comments and `[VERSION]`, the binary format with a magic number.
fn pulseq(text: &str, file: u32) -> Option<Diagnostic> {
    let binary = text.starts_with("\u{1}pulseq\u{2}");
    let mut offset = 0;
    for line in text.lines().take(200) {
        let content = line.trim();
        if content == "[VERSION]" || binary {
            let span = Span { file, start: offset as u32, end: (offset + line.len()) as u32 };
            return Some(
                Diagnostic::new(Code::PulseqFile, span, "this is a Pulseq file, not an ergoseq program")
                    .label("this is the start of a Pulseq file")
                    .help("an ergoseq program starts with `ergoseq 1`; both file types have the extension `.seq`"),
            );
        }
        if !content.is_empty() && !content.starts_with('#') {
            return None;
        }
        offset += line.len() + 1;
    }
    None
}
