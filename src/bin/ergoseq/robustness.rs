//! `ergoseq robustness`

use crate::overrides::{self, Prepared};
use crate::{Outcome, args, files, inputs, plot, terminal};
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::hamiltonian::Fault;
use ergoseq::ir::{Experiment, OFFSET_ERROR, RF_ERROR, with_errors};
use ergoseq::output::{Content, Figure};
use ergoseq::source::Sources;
use ergoseq::syntax::ast::SweepValues;
use ergoseq::syntax::{number_text, parse_sweep_values};
use ergoseq::units::Dimension;

/// Draws results over the error of the rf amplitude and the offset.
pub fn robustness(a: &args::Robustness) -> Outcome {
    inputs::note(&a.file);
    if let Err(diagnostic) = plot::drawable(&a.output) {
        terminal::report(&[diagnostic], &Default::default());
        return Outcome::Usage;
    }
    if let Err(diagnostic) = files::writable(&a.output, a.force) {
        return terminal::refuse(&[diagnostic], &Default::default());
    }
    let Prepared { mut compiled, values, options } = match overrides::prepare(&a.file, &a.given, &[], &a.how) {
        Ok(prepared) => prepared,
        Err(outcome) => return outcome,
    };
    let figure = varied(a, &compiled.experiment, &mut compiled.sources)
        .and_then(|experiment| plot::figure((&experiment, &a.file), &values, &options, (&a.what, a.threads)));
    let figure = match figure {
        Ok(figure) => figure,
        Err(diagnostic) => return terminal::refuse(&[*diagnostic], &compiled.sources),
    };
    if let Err(diagnostic) = plot::write(&figure, &a.output, a.force) {
        return terminal::refuse(&[diagnostic], &compiled.sources);
    }
    terminal::print(&format!("{}{} written\n", said(&figure), a.output.display()))
}

/// The experiment with the errors as parameters.
fn varied(a: &args::Robustness, experiment: &Experiment, sources: &mut Sources) -> Result<Experiment, Fault> {
    let mut range = |option: &str, text: &str, dimension: Dimension| -> Result<SweepValues, Fault> {
        let file = sources.add(option, text);
        let values = parse_sweep_values(text, file)?;
        ergoseq::check::check_sweep(&experiment.scope(), &values, dimension)?;
        Ok(values)
    };
    let rf = range("--rf", &a.rf, Dimension::NUMBER)?;
    let offset = range("--offset", &a.offset, Dimension::FREQUENCY)?;
    if let Some(nucleus) = &a.nucleus
        && ergoseq::spin::Isotope::named(nucleus).is_none()
    {
        let message = format!("`--nucleus {nucleus}` is not a nucleus");
        return Err(Diagnostic::without_place(Code::UnknownName, message).help("for example `--nucleus 1H`").into());
    }
    with_errors(experiment, a.nucleus.as_deref(), (rf, offset))
}

/// Smallest and largest value of every map.
fn said(figure: &Figure) -> String {
    let mut out = String::new();
    for panel in &figure.panels {
        let Content::Map(map) = &panel.content else { continue };
        let values = || map.values.iter().flatten().copied().filter(|x| x.is_finite());
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if low <= high {
            out += &format!(
                "{}: {} to {} over `{RF_ERROR}` and `{OFFSET_ERROR}`\n",
                panel.title,
                number_text(low),
                number_text(high)
            );
        }
    }
    out
}
