//! Semantic analysis, from syntax tree to experiment: resolves names, checks dimensions, inlines subsequences. All errors are
//! collected; none stops the analysis.

mod checker;
mod cycles;
mod density_file;
mod dimensions;
mod larmor;
pub mod library;
mod load;
mod metric;
mod names;
mod noise;
mod params;
mod profile;
mod results;
mod sequence;
mod shape_file;
mod surroundings;
mod system;

pub use density_file::density_file;
pub use load::{Loaded, Reader, Tables, load};
pub use params::check_setting;
pub use profile::statements as spectrometers;
pub use results::{check_result, check_values as check_sweep};
pub use shape_file::shape_file;

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Experiment, Scope};
use crate::source::{Place, Span};
use crate::syntax::ast::{Item, ItemKind, Name};
use crate::units::UnitSystem;
use checker::{Checker, twice};
use std::collections::{HashMap, HashSet};

/// Checks the statements of a file and of those it uses, with the tables of numbers that they name. `root` is the index of the main file.
pub fn check(mut items: Vec<Item>, tables: Tables, root: u32) -> (Option<Experiment>, Vec<Diagnostic>) {
    let mut c = Checker { scope: Scope::default(), nuclei: HashMap::new(), diagnostics: Vec::new() };
    let mut experiment = Experiment { ergoseq: crate::syntax::VERSION, shapes: tables.shapes, ..Experiment::default() };
    let whole = Span { file: root, start: 0, end: 0 };

    let unused = names::unused(&items, root);
    let statements = sequence::taken(&mut items, &mut c);
    let items = items.as_slice();
    let declarations = names::collect(items, &mut c);
    headers(items, &mut experiment, &mut c);
    system::declare(items, &mut experiment, &mut c);
    params::params(&declarations, &mut experiment, &mut c);
    params::operators(&declarations, &mut experiment, &mut c);
    system::fill(items, &mut experiment, &mut c);
    surroundings::surroundings(items, &mut experiment, &mut c);
    cycles::cycles(&declarations, &mut experiment, &mut c);
    sequence::fill(items, &mut experiment, &mut c, (&declarations, &tables.densities), statements);
    results::fill(items, &mut experiment, &mut c);
    if experiment.system.sites.is_empty() && !c.diagnostics.iter().any(Diagnostic::is_error) {
        c.diagnostics.push(missing(whole, "system", "system {\n    spin a, b : 1/2\n}"));
    }
    if !items.iter().any(|i| matches!(i.kind, ItemKind::Sequence(_))) && !c.diagnostics.iter().any(Diagnostic::is_error)
    {
        c.diagnostics.push(missing(whole, "sequence", "sequence {\n    prepare thermal\n}"));
    }
    c.diagnostics.extend(unused);
    c.diagnostics.sort_by_key(|d| d.span);
    // A subsequence is checked in every place where it is called; what is wrong with it is said once.
    let mut said: HashSet<(Code, Option<Span>, String)> = HashSet::new();
    c.diagnostics.retain(|d| said.insert((d.code, d.span, d.message.clone())));
    let broken = c.diagnostics.iter().any(Diagnostic::is_error);
    ((!broken).then_some(experiment), c.diagnostics)
}

fn missing(span: Span, what: &str, example: &str) -> Diagnostic {
    Diagnostic::new(Code::MissingDeclaration, span, format!("the program has no `{what}`"))
        .help(format!("for example:\n{example}"))
}

/// Processes version, title and units.
fn headers(items: &[Item], experiment: &mut Experiment, c: &mut Checker) {
    let mut units: Option<&Name> = None;
    let mut title: Option<Place> = None;
    for item in items {
        match &item.kind {
            ItemKind::Title(text) => {
                if title.is_none() {
                    experiment.title.clone_from(text);
                }
                title = title.or(Some(item.place));
            }
            ItemKind::Units(name) => {
                if let Some(before) = units
                    && before.text != name.text
                {
                    c.diagnostics.push(twice("units", name.span(), before.span()));
                    continue;
                }
                units = Some(name);
                match name.text.as_str() {
                    "lab" => experiment.units = UnitSystem::Lab,
                    "natural" => experiment.units = UnitSystem::Natural,
                    other => {
                        let diagnostic =
                            Diagnostic::new(Code::UnknownSetting, name.span(), "units are `lab` or `natural`")
                                .label("not a unit system")
                                .did_you_mean(other, ["lab", "natural"]);
                        c.diagnostics.push(diagnostic);
                    }
                }
            }
            _ => {}
        }
    }
    c.scope.units = experiment.units;
}
