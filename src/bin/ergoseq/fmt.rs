//! `ergoseq fmt`

use crate::{Outcome, args, files, terminal};
use ergoseq::source::Sources;

/// Tidies files.
pub fn fmt(a: &args::Fmt) -> Outcome {
    let mut worst = Outcome::Done;
    for path in &a.files {
        let outcome = one(path, a);
        if outcome as u8 > worst as u8 {
            worst = outcome;
        }
    }
    worst
}

fn one(path: &std::path::Path, a: &args::Fmt) -> Outcome {
    let text = match files::read(path) {
        Ok(text) => text,
        Err(diagnostic) => return terminal::refuse(&[diagnostic], &Sources::default()),
    };
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), text.as_str());
    let (_, diagnostics) = ergoseq::syntax::parse(&text, file);
    if diagnostics.iter().any(ergoseq::diagnostic::Diagnostic::is_error) {
        return terminal::refuse(&diagnostics, &sources);
    }
    let tidy = ergoseq::syntax::format(&text);
    if a.print {
        return terminal::print_file(&tidy);
    }
    if tidy == text {
        return Outcome::Done;
    }
    if a.check {
        return match terminal::print(&format!("{} is not formatted\n", path.display())) {
            Outcome::Done => Outcome::Wrong,
            other => other,
        };
    }
    match files::rewrite(path, &tidy) {
        Ok(()) => Outcome::Done,
        Err(diagnostic) => terminal::refuse(&[diagnostic], &sources),
    }
}
