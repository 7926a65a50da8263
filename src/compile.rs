//! Compilation: text to experiment in one step (load, parse, check).

use crate::check;
use crate::diagnostic::{self, Diagnostic};
use crate::hamiltonian::{Fault, compiled};
use crate::ir::Experiment;
use crate::source::Sources;

/// A compiled program: the experiment, its warnings, and the source texts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Compiled {
    /// The experiment.
    pub experiment: Experiment,
    /// Warnings.
    pub warnings: Vec<Diagnostic>,
    /// The source texts.
    pub sources: Sources,
}

/// A program with errors.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refused {
    /// Errors and warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The source texts.
    pub sources: Sources,
}

impl Compiled {
    /// Wraps an experiment that does not come from a text.
    pub fn new(experiment: Experiment, sources: Sources) -> Compiled {
        Compiled { experiment, warnings: vec![], sources }
    }
}

impl Refused {
    /// With a single error that has no position in a text.
    pub fn new(reason: Diagnostic) -> Refused {
        Refused { diagnostics: vec![reason], sources: Sources::default() }
    }

    /// The same, with the texts that its diagnostics have positions in.
    pub fn with_sources(self, sources: Sources) -> Refused {
        Refused { sources, ..self }
    }

    /// Renders all diagnostics as plain text.
    pub fn render(&self) -> String {
        self.diagnostics.iter().map(|d| d.render(&self.sources, false)).collect()
    }
}

/// All diagnostics with their positions, as from [`Refused::render`].
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.render().trim_end())
    }
}

impl std::error::Error for Refused {}

/// A reader for programs without `use`.
///
/// # Errors
/// Always.
pub fn no_files(path: &str, _from: &str) -> Result<(String, String), String> {
    Err(format!("`{path}` is not available"))
}

/// Compiles a program. `reader` reads the files named by `use`.
///
/// # Errors
/// When the program has errors; all that were found are returned.
pub fn compile(name: &str, text: &str, reader: check::Reader) -> Result<Compiled, Box<Refused>> {
    completed(checked(name, text, reader)?, expand)
}

/// Compiles a program without the search for the pulses of `compile` statements: the evolution that is wanted stands in their place. For
/// editors, while a text is being written.
///
/// # Errors
/// Those of [`compile()`] that are known without a search.
pub fn outline(name: &str, text: &str, reader: check::Reader) -> Result<Compiled, Box<Refused>> {
    completed(checked(name, text, reader)?, |experiment| compiled::stand_in(experiment).map(|()| vec![]))
}

/// Puts pulses and delays in the place of every `compile` statement of an experiment that does not come from [`compile()`]. Returns
/// warnings.
///
/// # Errors
/// If there are no such pulses, or they cannot be computed.
pub fn expand(experiment: &mut Experiment) -> Result<Vec<Diagnostic>, Fault> {
    compiled::expand(experiment)
}

fn completed(
    mut compiled: Compiled,
    complete: impl FnOnce(&mut Experiment) -> Result<Vec<Diagnostic>, Fault>,
) -> Result<Compiled, Box<Refused>> {
    match complete(&mut compiled.experiment) {
        Ok(warnings) => {
            compiled.warnings.extend(warnings);
            compiled.warnings.sort_by_key(|d| d.span);
            Ok(compiled)
        }
        Err(fault) => {
            let Compiled { warnings: mut diagnostics, sources, .. } = compiled;
            diagnostics.push(*fault);
            diagnostics.sort_by_key(|d| d.span);
            Err(Box::new(Refused { diagnostics, sources }))
        }
    }
}

fn checked(name: &str, text: &str, reader: check::Reader) -> Result<Compiled, Box<Refused>> {
    let mut sources = Sources::default();
    sources.add(name, text);
    let check::Loaded { items, tables, gaps, mut diagnostics } = check::load(&mut sources, reader);
    // The checker also runs after syntax errors, so that all errors of a file are reported at once; errors that are only consequences are
    // dropped.
    let unreadable = diagnostics.iter().any(Diagnostic::is_error);
    let (experiment, found) = check::check(items, tables, 0);
    diagnostics.extend(found.into_iter().filter(|d| !unreadable || !follows(d, gaps)));
    diagnostics.sort_by_key(|d| d.span);
    match experiment {
        Some(experiment) if !unreadable => Ok(Compiled { experiment, warnings: diagnostics, sources }),
        _ => Err(Box::new(Refused { diagnostics, sources })),
    }
}

/// True if a diagnostic may be a consequence of a statement that failed to parse: a missing trace or setting, or, if a declaration is
/// missing, an unknown name.
fn follows(d: &Diagnostic, gaps: bool) -> bool {
    use diagnostic::Code;
    match d.code {
        Code::UnknownResult | Code::MissingDeclaration | Code::Unused => true,
        Code::UnknownName | Code::UnknownMetric | Code::WrongKind => gaps,
        _ => false,
    }
}
