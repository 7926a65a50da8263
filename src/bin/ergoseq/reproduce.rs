//! `ergoseq reproduce`

use crate::papers::{Paper, Watch, Workbench, report};
use crate::progress::Progress;
use crate::{Outcome, args, files, overrides, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::output::{KINDS, Picture};
use ergoseq::source::Sources;
use std::path::Path;

impl Watch for Progress {
    fn more(&self, runs: u64) {
        Progress::more(self, runs);
    }

    fn step(&self) {
        Progress::step(self);
    }
}

/// Recomputes the figures of a paper and checks its claims.
pub fn reproduce(a: &args::Reproduce) -> Outcome {
    let Some(paper) = Paper::named(&a.paper) else { return Outcome::Usage };
    let none = Sources::default();
    let figures: Vec<u32> = match a.figure {
        None => paper.figures.to_vec(),
        Some(figure) if paper.figures.contains(&figure) => vec![figure],
        Some(figure) => {
            let known: Vec<String> = paper.figures.iter().map(u32::to_string).collect();
            let message =
                format!("figure {figure} of this paper shows no data; figures with data: {}", known.join(", "));
            terminal::report(&[Diagnostic::without_place(Code::OutOfRange, message)], &none);
            return Outcome::Usage;
        }
    };
    overrides::threads(a.threads);
    let folder = a.output.clone().unwrap_or_else(|| paper.name.into());
    let names: Vec<String> = figures.iter().flat_map(|figure| names(paper, *figure)).collect();
    if let Err(diagnostic) = files::writable_folder(&folder, &names, a.force) {
        return terminal::refuse(&[diagnostic], &none);
    }
    let progress = Progress::new(0);
    let bench = match Workbench::new(&progress) {
        Ok(bench) => bench,
        Err(refused) => return terminal::refuse(&refused.diagnostics, &refused.sources),
    };
    let mut claims = Vec::new();
    for figure in &figures {
        let found = match paper.reproduce(&bench, *figure) {
            Ok(found) => found,
            Err(diagnostic) => return terminal::refuse(&[*diagnostic], &none),
        };
        if let Err(diagnostic) = write(&folder, &found.figure, a.force) {
            return terminal::refuse(&[diagnostic], &none);
        }
        claims.extend(found.claims);
    }
    if a.figure.is_none() {
        match paper.equations(&bench) {
            Ok(found) => claims.extend(found),
            Err(diagnostic) => return terminal::refuse(&[*diagnostic], &none),
        }
    }
    drop(progress);
    terminal::print(&format!("{}figures in {}\n", report(paper, &claims), folder.display()))
}

/// The files of a figure.
fn names(paper: &Paper, figure: u32) -> Vec<String> {
    let stem = format!("{}_fig{figure}", paper.name.replace('-', "_"));
    std::iter::once("csv").chain(KINDS.iter().map(|k| k.ending)).map(|ending| format!("{stem}.{ending}")).collect()
}

/// The figure as data and as pictures.
fn write(folder: &Path, figure: &ergoseq::output::Figure, force: bool) -> Result<(), Diagnostic> {
    files::folder(folder)?;
    let path = |ending: &str| folder.join(format!("{}.{ending}", figure.name));
    files::write(&path("csv"), &figure.csv(), force)?;
    for kind in KINDS {
        crate::plot::picture(kind, Picture::Figure(figure), &path(kind.ending), force)?;
    }
    Ok(())
}
