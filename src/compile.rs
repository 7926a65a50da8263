//! Text to experiment, in one step: parsed, joined with the files it uses, checked.

use crate::check;
use crate::diagnostic::{self, Diagnostic};
use crate::ir::Experiment;
use crate::source::Sources;

/// A program that was compiled: the experiment, warnings, and the texts they refer to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Compiled {
    /// The experiment.
    pub experiment: Experiment,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// The texts.
    pub sources: Sources,
}

/// A program that was refused.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts they refer to.
    pub sources: Sources,
}

impl Compiled {
    /// An experiment that comes from elsewhere than a text.
    pub fn new(experiment: Experiment, sources: Sources) -> Compiled {
        Compiled { experiment, warnings: vec![], sources }
    }
}

impl Refused {
    /// For a reason that has no place in a text.
    pub fn new(reason: Diagnostic) -> Refused {
        Refused { diagnostics: vec![reason], sources: Sources::default() }
    }

    /// All messages, as plain text.
    pub fn render(&self) -> String {
        self.diagnostics.iter().map(|d| d.render(&self.sources, false)).collect()
    }
}

/// All messages with their places, as [`Refused::render`] draws them.
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.render().trim_end())
    }
}

impl std::error::Error for Refused {}

/// A reader for programs that `use` no other file.
///
/// # Errors
/// Always.
pub fn no_files(path: &str, _from: &str) -> Result<(String, String), String> {
    Err(format!("`{path}` is not at hand"))
}

/// Reads and checks a program. `reader` hands over the files that it names by `use`.
///
/// # Errors
/// When the program has an error; all that were found are given.
pub fn compile(name: &str, text: &str, reader: check::Reader) -> Result<Compiled, Box<Refused>> {
    let mut sources = Sources::default();
    sources.add(name, text);
    let check::Loaded { items, shapes, gaps, mut diagnostics } = check::load(&mut sources, reader);
    // The checker still runs when something could not be read, since a file with five mistakes shall get five messages; what
    // only follows from what is missing is left out.
    let unreadable = diagnostics.iter().any(Diagnostic::is_error);
    let (experiment, found) = check::check(&items, shapes, 0);
    diagnostics.extend(found.into_iter().filter(|d| !unreadable || !follows(d, gaps)));
    diagnostics.sort_by_key(|d| d.span);
    match experiment {
        Some(experiment) if !unreadable => Ok(Compiled { experiment, warnings: diagnostics, sources }),
        _ => Err(Box::new(Refused { diagnostics, sources })),
    }
}

/// Whether a message may only follow from a statement that could not be read: a missing trace or setting, or, where a
/// declaration is missing, an unknown name.
fn follows(d: &Diagnostic, gaps: bool) -> bool {
    use diagnostic::Code;
    match d.code {
        Code::UnknownResult | Code::MissingDeclaration | Code::Unused => true,
        Code::UnknownName | Code::UnknownMetric | Code::WrongKind => gaps,
        _ => false,
    }
}
