//! `ergoseq report` and `ergoseq watch`

use crate::compare::measurement;
use crate::{Outcome, args, files, inputs, overrides, terminal};
use ergoseq::Refused;
use ergoseq::diagnostic::Diagnostic;
use ergoseq::report::{GENERATOR, page_of_mistakes, page_with};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// How often a watched file is looked at.
const LOOK: Duration = Duration::from_millis(60);

/// Where the page goes.
fn target(a: &args::Report) -> PathBuf {
    a.output.clone().unwrap_or_else(|| a.file.with_extension("html"))
}

/// True for a page that `report` or `watch` wrote: a new one may replace it.
fn is_page(path: &Path) -> bool {
    const HEAD: u64 = 512;
    // Opening a pipe would wait for a writer.
    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(GENERATOR)
}

/// What became of a file: its page, or why there is none but the one that shows the mistakes.
enum Made {
    Page(String),
    Mistakes(String, Vec<Diagnostic>, ergoseq::source::Sources),
}

/// The page of a file; a wrong command line has been said.
fn make(a: &args::Report) -> Result<Made, Outcome> {
    let options = overrides::options(&a.how)?;
    let file = a.file.display().to_string();
    let mut compiled = match files::compile(&a.file) {
        Ok(compiled) => compiled,
        Err(refused) => {
            let Refused { diagnostics, sources, .. } = *refused;
            return Ok(Made::Mistakes(page_of_mistakes(&diagnostics, &sources, &file), diagnostics, sources));
        }
    };
    let values = overrides::values(&compiled.experiment, &a.given, &mut compiled.sources)?;
    let measured = a.data.as_ref().map(|path| measurement(path, a.reference, &mut compiled, &values)).transpose();
    let made = measured.and_then(|m| page_with(&compiled, &values, &options, &file, m.as_ref()));
    Ok(match made {
        Ok(text) => Made::Page(text),
        Err(diagnostic) => {
            let diagnostics = vec![*diagnostic];
            Made::Mistakes(page_of_mistakes(&diagnostics, &compiled.sources, &file), diagnostics, compiled.sources)
        }
    })
}

/// Writes the page of a file.
pub fn report(a: &args::Report) -> Outcome {
    inputs::note(&a.file);
    let overwrite = a.force || is_page(&target(a));
    if let Err(diagnostic) = files::writable(&target(a), overwrite) {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    match make(a) {
        Err(outcome) => outcome,
        Ok(Made::Mistakes(_, diagnostics, sources)) => terminal::refuse(&diagnostics, &sources),
        Ok(Made::Page(text)) => match files::write(&target(a), &text, overwrite) {
            Ok(()) => Outcome::Done,
            Err(diagnostic) => terminal::refuse(&[diagnostic], &Default::default()),
        },
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|m| m.modified()).ok()
}

/// Regenerates the page whenever the file changes, until it is interrupted.
pub fn watch(a: &args::Report) -> Outcome {
    let page = target(a);
    // A file that is saved is not there for a moment, but one that was never there will not come.
    if changed(&a.file).is_none() {
        let missing = files::read(&a.file).err();
        return terminal::refuse(&missing.into_iter().collect::<Vec<_>>(), &Default::default());
    }
    inputs::note(&a.file);
    if let Err(diagnostic) = files::writable(&page, a.force || is_page(&page)) {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    let mut last = None;
    loop {
        // A file that is being replaced is not there for a moment.
        let now = changed(&a.file);
        if now == last || now.is_none() && last.is_some() {
            std::thread::sleep(LOOK);
            continue;
        }
        last = now;
        let start = Instant::now();
        let (text, said) = match make(a) {
            Err(outcome) => return outcome,
            Ok(Made::Page(text)) => (text, String::new()),
            Ok(Made::Mistakes(text, diagnostics, sources)) => {
                terminal::report(&diagnostics, &sources);
                (text, ", with errors".into())
            }
        };
        if let Err(diagnostic) = files::write(&page, &text, true) {
            return terminal::refuse(&[diagnostic], &Default::default());
        }
        let took = start.elapsed().as_millis();
        if terminal::print(&format!("{} written in {took} ms{said}\n", page.display())) != Outcome::Done {
            return Outcome::Files;
        }
    }
}
