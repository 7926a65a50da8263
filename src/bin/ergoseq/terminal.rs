//! What goes to the terminal: messages on standard error, results on standard output.

use crate::Outcome;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::source::{Sources, visible};
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// The largest number of messages printed.
const MOST_MESSAGES: usize = 50;

/// Whether standard error shows colours.
fn styled() -> bool {
    std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none()
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// Whether standard output shows colours.
#[cfg(feature = "pictures")]
pub fn coloured() -> bool {
    std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none()
        && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
}

/// How many letters stand in a line: what the terminal says, or `COLUMNS`, or 80.
#[cfg(feature = "pictures")]
pub fn columns() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    let seen = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    told.or_else(seen).unwrap_or(80).clamp(40, 200)
}

/// Whether messages are written as JSON, as the results are.
static JSON: AtomicBool = AtomicBool::new(false);

/// Writes messages as JSON from now on, one in a line: who reads the results as such reads what is wrong as such.
pub fn speak_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// A message as JSON, in one line.
fn as_json(d: &Diagnostic, sources: &Sources) -> String {
    let at = d.span.map(|span| sources.line_and_column(span));
    let described = serde_json::json!({
        "code": d.code.to_string(),
        "severity": if d.is_error() { "error" } else { "warning" },
        "message": d.message,
        "label": d.label,
        "file": d.span.and_then(|span| sources.get(span.file)).map(|source| source.name.as_str()),
        "line": at.map(|(line, _)| line),
        "column": at.map(|(_, column)| column),
        "help": d.help,
    });
    escaped(&described.to_string())
}

/// JSON with the characters escaped that could affect a terminal: what JSON itself escapes are those below the blank.
fn escaped(json: &str) -> String {
    let shown = |c: char| match visible(c.encode_utf8(&mut [0; 4])) {
        Cow::Borrowed(_) => c.to_string(),
        Cow::Owned(_) => format!("\\u{:04x}", u32::from(c)),
    };
    if json.contains(char::is_control) || !json.is_ascii() {
        json.chars().map(shown).collect()
    } else {
        json.to_string()
    }
}

/// Prints messages. A terminal that went away is no reason to fail.
pub fn report(diagnostics: &[Diagnostic], sources: &Sources) {
    let mut text = String::new();
    let json = JSON.load(Ordering::Relaxed);
    for diagnostic in diagnostics.iter().take(MOST_MESSAGES) {
        match json {
            true => text += &as_json(diagnostic, sources),
            false => text += &diagnostic.render(sources, styled()),
        }
        text.push('\n');
    }
    if diagnostics.len() > MOST_MESSAGES && !json {
        text += &format!("... and {} more\n", diagnostics.len() - MOST_MESSAGES);
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Says something that is no mistake.
pub fn note(text: &str) {
    say("note", text);
}

/// Says how far the work is.
pub fn progress(text: &str) {
    say("progress", text);
}

fn say(kind: &str, text: &str) {
    let line = match JSON.load(Ordering::Relaxed) {
        true => escaped(&serde_json::json!({ "severity": kind, "message": text }).to_string()),
        false => format!("{kind}: {}", visible(text)),
    };
    // A terminal that went away is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The exit code that a set of messages stands for.
pub fn outcome(diagnostics: &[Diagnostic]) -> Outcome {
    if diagnostics.iter().any(|d| matches!(d.code, Code::CannotRead | Code::CannotWrite | Code::NotText)) {
        Outcome::Files
    } else if diagnostics.iter().any(Diagnostic::is_error) {
        Outcome::Wrong
    } else {
        Outcome::Done
    }
}

/// Reports and gives the exit code.
pub fn refuse(diagnostics: &[Diagnostic], sources: &Sources) -> Outcome {
    report(diagnostics, sources);
    outcome(diagnostics)
}

/// Prints a result, its control characters replaced: titles and names are written by others. A reader that has seen enough (`| head`) is no failure.
pub fn print(text: &str) -> Outcome {
    print_as_it_is(&visible(text))
}

/// Prints a file: as it is, but to a terminal with its control characters replaced.
pub fn print_file(text: &str) -> Outcome {
    if std::io::stdout().is_terminal() { print(text) } else { print_as_it_is(text) }
}

/// Prints what has colours.
pub fn print_as_it_is(text: &str) -> Outcome {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Outcome::Done,
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Outcome::Done,
        Err(e) => {
            let diagnostic =
                Diagnostic::without_place(Code::CannotWrite, format!("standard output cannot be written: {e}"));
            refuse(&[diagnostic], &Sources::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_affect_a_terminal() {
        let text = "a\u{1b}\u{9b}\u{202e}\u{7f}\u{e9}\n";
        let written = escaped(&serde_json::json!({ "message": text }).to_string());
        assert_eq!(written, "{\"message\":\"a\\u001b\\u009b\\u202e\\u007f\u{e9}\\n\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap()["message"], text);
    }
}
