//! Source listing in HTML: numbered lines, syntax highlighting, diagnostics below the lines they refer to.

use super::html::escaped;
use crate::diagnostic::Diagnostic;
use crate::metrics::Metric;
use crate::source::Sources;
use crate::syntax::token::{TokenKind, tokenize};
use crate::syntax::words::is_word;
use crate::units::UNITS;
use std::fmt::Write;

/// CSS class of a token.
fn class(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::Number(_) => Some("number"),
        TokenKind::Text(_) => Some("text"),
        TokenKind::Name(name) if is_word(name) => Some("word"),
        TokenKind::Name(name) if Metric::named(name).is_some() => Some("metric"),
        TokenKind::Name(name) if UNITS.iter().any(|u| u.symbol == name) => Some("unit"),
        TokenKind::Name(_) | TokenKind::Sign(_) | TokenKind::End => None,
    }
}

/// Highlighted text. Between tokens there are only blanks and comments.
fn coloured(text: &str) -> String {
    let (tokens, _) = tokenize(text, 0);
    let mut out = String::new();
    let mut done = 0;
    for token in tokens.all(text) {
        let (start, end) = (token.span.start as usize, token.span.end as usize);
        let (Some(before), Some(words)) = (text.get(done..start), text.get(start..end)) else { continue };
        out += &between(before);
        match class(token.kind) {
            Some(class) => {
                let _ = write!(out, "<span class=\"{class}\">{}</span>", escaped(words));
            }
            None => out += &escaped(words),
        }
        done = end;
    }
    out + &between(text.get(done..).unwrap_or_default())
}

/// Blanks and comments: a comment extends from `#` to the end of its line.
fn between(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.split_once('#') {
            Some((before, _)) => {
                let comment = line.strip_prefix(before).unwrap_or_default();
                let (comment, end) = comment.strip_suffix('\n').map_or((comment, ""), |c| (c, "\n"));
                format!("{}<span class=\"comment\">{}</span>{end}", escaped(before), escaped(comment))
            }
            None => escaped(line),
        })
        .collect()
}

/// Listing of the main file with its diagnostics in place; those of other files, or without a position, are listed above.
pub fn listing(sources: &Sources, diagnostics: &[Diagnostic]) -> String {
    let mut out = String::new();
    let place = |d: &Diagnostic| d.span.filter(|s| s.file == 0).map(|s| sources.line_and_column(s).0);
    for d in diagnostics.iter().filter(|d| place(d).is_none()) {
        out += &message(d);
    }
    let Some(source) = sources.get(0) else { return out };
    out += "<ol class=\"listing\">\n";
    // No token spans several lines: strings end on their line.
    for (k, line) in coloured(&source.text).lines().enumerate() {
        let about: Vec<&Diagnostic> = diagnostics.iter().filter(|d| place(d) == Some(k + 1)).collect();
        let class = match about.iter().any(|d| d.is_error()) {
            _ if about.is_empty() => "",
            true => " class=\"error\"",
            false => " class=\"warning\"",
        };
        let _ = write!(out, "<li{class}><code>{line}</code>");
        about.iter().for_each(|d| out += &message(d));
        out += "</li>\n";
    }
    out + "</ol>\n"
}

fn message(d: &Diagnostic) -> String {
    let kind = if d.is_error() { "error" } else { "warning" };
    let help: String = d.help.iter().map(|h| format!("<br>{}", escaped(h))).collect();
    format!("<p class=\"message {kind}\"><b>{kind} {}</b> {}{help}</p>", d.code.number(), escaped(&d.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_coloured_and_nothing_is_lost() {
        let text = "param T = 1 K # <b>\nmeasure { ergotropy }\n";
        let shown = coloured(text);
        assert!(shown.contains("<span class=\"word\">param</span>"));
        assert!(shown.contains("<span class=\"metric\">ergotropy</span>"));
        assert!(shown.contains("<span class=\"comment\"># &lt;b&gt;</span>"));
        let mut bare = String::new();
        let mut inside = false;
        for c in shown.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => bare.push(c),
                _ => {}
            }
        }
        assert_eq!(bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"), text);
    }
}
