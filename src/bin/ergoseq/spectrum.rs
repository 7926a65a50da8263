//! `ergoseq spectrum`

use crate::decays::{one, wrong};
use crate::{Outcome, args, files, terminal};
use ergoseq::decays::{Indirect, Series};
use ergoseq::output::received;
use ergoseq::source::in_one_line;
use ergoseq::syntax::number_text;

/// What the decays of a spectrometer are, and their spectrum.
pub fn spectrum(a: &args::Spectrum) -> Outcome {
    let refuse = |diagnostic| terminal::refuse(&[diagnostic], &Default::default());
    if let Some(path) = &a.output
        && let Err(diagnostic) = crate::plot::drawable(path).and_then(|()| files::writable(path, a.force))
    {
        return refuse(diagnostic);
    }
    let series = match one(&a.path) {
        Ok(series) => series,
        Err(diagnostic) => return refuse(diagnostic),
    };
    if let Some(path) = &a.output {
        let name = a.path.file_name().map_or_else(|| a.path.display().to_string(), |n| n.to_string_lossy().into());
        let name = in_one_line(&name);
        let drawn = received(&name, &series).map_err(|why| wrong(&a.path, &format!("has no spectrum: {why}")));
        if let Err(diagnostic) = drawn.and_then(|figure| crate::plot::write(&figure, path, a.force)) {
            return refuse(diagnostic);
        }
    }
    terminal::print(&description(&series))
}

/// A line for each thing that is known.
fn description(series: &Series) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| out += &format!("{name:<20}{value}\n");
    let megahertz = |x: f64| format!("{} MHz", number_text(x * 1e-6));
    line("points", series.rows.first().map_or(0, Vec::len).to_string());
    line("sweep width", format!("{} Hz", number_text(1.0 / series.dwell)));
    if let Some(nucleus) = &series.nucleus {
        line("nucleus", nucleus.clone());
    }
    if let Some(transmitter) = series.transmitter {
        line("transmitter", megahertz(transmitter));
    }
    if let Some((base, transmitter)) = series.base.zip(series.transmitter) {
        line("carrier", format!("{} ppm", number_text(((transmitter / base - 1.0) * 1e12).round() * 1e-6)));
    }
    if series.delay > 0.0 {
        line("digital filter", format!("{} points", number_text(series.delay)));
    }
    let kind = match series.indirect {
        None => "one FID",
        Some(Indirect::Rows) => "separate FIDs",
        Some(Indirect::States) => "States",
        Some(Indirect::StatesTppi) => "States-TPPI",
        Some(Indirect::Tppi) => "TPPI",
        Some(Indirect::EchoAntiecho) => "echo-antiecho",
    };
    line("rows", format!("{}, {kind}", series.rows.len()));
    if let Some(dwell) = series.indirect_dwell {
        line("indirect width", format!("{} Hz", number_text(1.0 / dwell)));
    }
    for note in &series.notes {
        line("note", note.clone());
    }
    out
}
