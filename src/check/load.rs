//! Loads a file and the files it uses as one list of statements. No file access here: files are read by a [`Reader`].

use super::density_file::{Elements, density_file};
use super::library;
use super::profile;
use super::shape_file::shape_file;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{DENSITY, ShapeTable};
use crate::source::Sources;
use crate::source::Span;
use crate::syntax::ast::{Item, ItemKind, Name, State};
use crate::syntax::parse;
use std::collections::HashMap;

/// Maximum nesting depth of `use`.
const MOST_DEEP: usize = 64;

/// Maximum number of files of a program.
const MOST_FILES: usize = 1000;

/// Reads the text of a file named by `use`: arguments are this name and the name of the including file; returns the display name for
/// messages and the text, or an error message.
pub type Reader<'a> = &'a mut dyn FnMut(&str, &str) -> Result<(String, String), String>;

/// Parses the first source and replaces every `use` by the statements of the named file, each file once.
pub fn load(sources: &mut Sources, reader: Reader) -> Loaded {
    let mut loader = Loader {
        sources,
        reader,
        open: vec![],
        done: vec![],
        tables: Tables::default(),
        diagnostics: vec![],
        gaps: false,
    };
    let items = loader.file(0);
    Loaded { items, tables: loader.tables, gaps: loader.gaps, diagnostics: loader.diagnostics }
}

/// Numbers that are read from files.
#[derive(Debug, Default)]
pub struct Tables {
    /// Pulse shapes.
    pub shapes: Vec<ShapeTable>,
    /// Density matrices, by the place where a state names its file.
    pub densities: HashMap<Span, Elements>,
}

/// Result of loading.
pub struct Loaded {
    /// Statements of all files.
    pub items: Vec<Item>,
    /// What was read from other files.
    pub tables: Tables,
    /// True if a statement that declares names failed to parse and is missing.
    pub gaps: bool,
    /// Errors.
    pub diagnostics: Vec<Diagnostic>,
}

struct Loader<'a, 'b> {
    sources: &'a mut Sources,
    reader: Reader<'b>,
    open: Vec<String>,
    done: Vec<String>,
    tables: Tables,
    diagnostics: Vec<Diagnostic>,
    gaps: bool,
}

impl Loader<'_, '_> {
    fn file(&mut self, number: u32) -> Vec<Item> {
        let Some(source) = self.sources.get(number) else { return vec![] };
        let (name, (program, diagnostics)) = (source.name.clone(), parse(&source.text, number));
        self.diagnostics.extend(diagnostics);
        self.gaps |= program.gaps;
        self.open.push(name.clone());
        let mut items = Vec::new();
        for item in program.items {
            match &item.kind {
                ItemKind::Use(path) => {
                    let path = path.clone();
                    items.extend(self.used(&path.text, &name, path.span()));
                }
                // Version, title, sequence and measurements of a used file do not apply to the including file; only its
                // declarations are imported.
                _ if number != 0 && !is_declaration(&item.kind) => {}
                ItemKind::Shape(shape, path) => {
                    self.shape(shape, path, &name);
                    items.push(item);
                }
                ItemKind::State(_, state) => {
                    self.densities(state, &name);
                    items.push(item);
                }
                _ => items.push(item),
            }
        }
        self.open.pop();
        self.done.push(name);
        items
    }

    /// Reads a pulse shape. If this fails the name is still declared, so that the error is reported only once.
    fn shape(&mut self, name: &Name, path: &Name, from: &str) {
        let table = (self.reader)(&path.text, from)
            .and_then(|(_, text)| shape_file(&text).map_err(|why| format!("`{path}` is not a pulse shape: {why}")));
        match table {
            Ok(steps) => self.tables.shapes.push(ShapeTable { name: name.text.clone(), steps, place: path.place }),
            Err(why) => self.diagnostics.push(
                Diagnostic::new(Code::ShapeFailed, path.span(), named(&path.text, why)).label("read here").help(
                    "expected a Bruker shape file, or lines with an amplitude from 0 to 1 and a phase in degrees",
                ),
            ),
        }
    }

    /// Reads the density matrices that a state names.
    fn densities(&mut self, state: &State, from: &str) {
        state.parts.iter().for_each(|part| self.densities(&part.state, from));
        let Some(path) = state.text.as_ref().filter(|_| state.name.text == DENSITY) else { return };
        let span = state.name.span();
        let read = (self.reader)(path, from).and_then(|(_, text)| {
            density_file(&text).map_err(|why| format!("`{path}` is not a density matrix: {why}"))
        });
        match read {
            Ok(elements) => {
                self.tables.densities.insert(span, elements);
            }
            Err(why) => self.diagnostics.push(
                Diagnostic::new(Code::ShapeFailed, span, named(path, why))
                    .label("read here")
                    .help("expected rows of numbers such as `0.5 0.1-0.2j`, or JSON with the rows `re` and `im`"),
            ),
        }
    }

    fn used(&mut self, path: &str, from: &str, span: crate::source::Span) -> Vec<Item> {
        let read = match path.strip_prefix(library::PREFIX) {
            Some(name) => library::file(name),
            None => (self.reader)(path, from),
        };
        // Spectrometers may also be defined in YAML.
        let read = match read {
            Ok((name, text)) if name.ends_with(".yaml") || name.ends_with(".yml") => {
                profile::statements(&text).map(|text| (name, text))
            }
            other => other,
        };
        let (name, text) = match read {
            Ok(found) => found,
            Err(why) => {
                self.gaps = true;
                self.diagnostics.push(
                    Diagnostic::new(Code::UseFailed, span, named(path, why))
                        .label("used here")
                        .help_if(path.contains('\\'), "separate folders with `/`, also on Windows"),
                );
                return vec![];
            }
        };
        if !parses_as_program(&text) {
            // Nothing of such a file is shown: it may be any file that the program names.
            self.gaps = true;
            self.diagnostics.push(
                Diagnostic::new(
                    Code::UseFailed,
                    span,
                    format!("`{path}` is not an ergoseq program: it does not start with `ergoseq 1`"),
                )
                .label("used here"),
            );
            return vec![];
        }
        if self.open.len() >= MOST_DEEP || self.sources.files().len() >= MOST_FILES {
            self.gaps = true;
            if !self.diagnostics.iter().any(|d| d.code == Code::TooDeep) {
                let why = if self.open.len() >= MOST_DEEP {
                    format!("`use` is nested more than {MOST_DEEP} deep")
                } else {
                    format!("the program consists of more than {MOST_FILES} files")
                };
                self.diagnostics.push(
                    Diagnostic::new(Code::TooDeep, span, why)
                        .label("used here")
                        .help("a path through a link to its own folder never ends"),
                );
            }
            return vec![];
        }
        if self.open.contains(&name) {
            let circle = self.open.iter().skip_while(|n| **n != name).map(String::as_str).chain([name.as_str()]);
            let circle = circle.collect::<Vec<_>>().join(" -> ");
            self.diagnostics
                .push(Diagnostic::new(Code::CircularUse, span, "circular `use` of these files").label(circle));
            return vec![];
        }
        if self.done.contains(&name) {
            return vec![];
        }
        let number = self.sources.add(name, text);
        self.file(number)
    }
}

/// Whether a text begins as every program does: with the word `ergoseq`, behind blanks and comments.
fn parses_as_program(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    first.strip_prefix("ergoseq").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '#']))
}

fn is_declaration(kind: &ItemKind) -> bool {
    match kind {
        ItemKind::Units(_)
        | ItemKind::Params(_)
        | ItemKind::System(_)
        | ItemKind::Hamiltonian(..)
        | ItemKind::Operator(..)
        | ItemKind::State(..)
        | ItemKind::Noise(..)
        | ItemKind::Channel(..)
        | ItemKind::Battery(_)
        | ItemKind::Ensemble(_)
        | ItemKind::Cycle(..)
        | ItemKind::Define(..)
        | ItemKind::Shape(..)
        | ItemKind::Spectrometer(..)
        | ItemKind::Use(_) => true,
        ItemKind::Version(_)
        | ItemKind::Title(_)
        | ItemKind::Sequence(_)
        | ItemKind::Measure(..)
        | ItemKind::Sweep(_)
        | ItemKind::Expect(_)
        | ItemKind::Theory(_) => false,
    }
}

/// Why a file cannot be used, with its name once: the reasons of the reader begin with it.
fn named(path: &str, why: String) -> String {
    if why.starts_with('`') { why } else { format!("`{path}` cannot be read: {why}") }
}
