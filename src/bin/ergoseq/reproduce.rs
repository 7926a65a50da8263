//! `ergoseq reproduce`

use crate::progress::Progress;
use crate::{Outcome, args, files, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::output::{KINDS, Picture};
use ergoseq::papers::{Paper, Watch, Workbench, report};
use ergoseq::source::Sources;

impl Watch for Progress {
    fn more(&self, runs: u64) {
        Progress::more(self, runs);
    }

    fn step(&self) {
        Progress::step(self);
    }
}

/// Computes the figures of a paper anew and judges its claims.
pub fn reproduce(a: &args::Reproduce) -> Outcome {
    let Some(paper) = Paper::named(&a.paper) else { return Outcome::Usage };
    let none = Sources::default();
    let figures: Vec<u32> = match a.figure {
        None => paper.figures.to_vec(),
        Some(figure) if paper.figures.contains(&figure) => vec![figure],
        Some(figure) => {
            let known: Vec<String> = paper.figures.iter().map(u32::to_string).collect();
            let message = format!("figure {figure} of this paper holds no data; those that do: {}", known.join(", "));
            terminal::report(&[Diagnostic::without_place(Code::OutOfRange, message)], &none);
            return Outcome::Usage;
        }
    };
    if let Some(n) = a.threads {
        // Only the first call can set the number; there is none before this one.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(n).build_global();
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
        if let Err(diagnostic) = write(a, &found.figure) {
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
    let folder = a.output.clone().unwrap_or_else(|| paper.name.into());
    terminal::print(&format!("{}figures in {}\n", report(paper, &claims), folder.display()))
}

/// The figure as data and as pictures.
fn write(a: &args::Reproduce, figure: &ergoseq::output::Figure) -> Result<(), Diagnostic> {
    let folder = a.output.clone().unwrap_or_else(|| a.paper.clone().into());
    files::folder(&folder)?;
    let path = |ending: &str| folder.join(format!("{}.{ending}", figure.name));
    files::write(&path("csv"), &figure.csv(), a.force)?;
    for kind in KINDS {
        crate::plot::picture(kind, Picture::Figure(figure), &path(kind.ending), a.force)?;
    }
    Ok(())
}
