//! What goes to the terminal: messages on standard error, results on standard output.

use crate::Outcome;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::source::{Sources, visible};
use std::io::{IsTerminal, Write};

/// More messages than this help nobody.
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

/// Prints messages. A terminal that went away is no reason to fail.
pub fn report(diagnostics: &[Diagnostic], sources: &Sources) {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(MOST_MESSAGES) {
        text += &diagnostic.render(sources, styled());
        text.push('\n');
    }
    if diagnostics.len() > MOST_MESSAGES {
        text += &format!("... and {} more\n", diagnostics.len() - MOST_MESSAGES);
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
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
