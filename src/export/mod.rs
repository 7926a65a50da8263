//! An experiment as the program of a console or of another simulator.
//!
//! * `program`: the small form between: events, delays, pulses, gradients, loops, lists, an acquisition.
//! * `lower`: from a checked experiment to it; what cannot be exported is refused at its place.
//! * `calibration` and `realise`: powers, and ideal pulses as a console makes them.
//! * one file or folder a dialect, each a row of `DIALECTS`.

pub mod calibration;
mod electrons;
mod job;
pub mod lower;
mod number;
mod phase;
pub mod program;
mod realise;
mod simpson;
mod topspin;
mod varian;

use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{SweepAxis, axes, points};
use crate::hamiltonian::sample::Sample;
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Experiment, InteractionKind};
use crate::results::{EnergyUnit, Units};
use crate::source::Span;
use crate::spin::SiteKind;
use calibration::Calibration;
use job::{Part, Point, file_name};
use lower::{Lowered, Rejected, Wanted, lower, readouts, too_many_experiments};
use phase::to_console;
use program::Program;

pub use job::{File, Job};
pub use realise::realise;

/// A way to write a program down.
pub struct Dialect {
    /// Its word.
    pub name: &'static str,
    /// What it is for.
    pub meaning: &'static str,
    /// Whether it is the input of a simulator: pulses may take no time, and spins may be unpolarised.
    pub simulated: bool,
    /// The shortest delay of a list, s.
    pub shortest: f64,
    write: fn(&Job) -> Result<Vec<File>, Vec<Diagnostic>>,
}

/// The dialects.
pub const DIALECTS: &[Dialect] = &[
    Dialect {
        name: "topspin",
        meaning: "a folder for TopSpin 4 and 5 (AVANCE NEO)",
        simulated: false,
        shortest: topspin::SHORTEST,
        write: topspin::write,
    },
    Dialect {
        name: "varian",
        meaning: "pulse sequences in C, shapes and macros for VnmrJ and OpenVnmrJ",
        simulated: false,
        shortest: 0.0,
        write: varian::write,
    },
    Dialect {
        name: "simpson",
        meaning: "input files for SIMPSON 4 and 5",
        simulated: true,
        shortest: 0.0,
        write: simpson::write,
    },
];

/// What is to be exported, and how.
pub struct Request<'a> {
    /// The dialect.
    pub dialect: &'static Dialect,
    /// The name of the file, and the text by which it is known.
    pub source: (&'a str, &'a str),
    /// Values of parameters.
    pub values: &'a Values,
    /// The spectrometer whose steps and delays hold.
    pub spectrometer: Option<&'a str>,
    /// The calibrations of the channels.
    pub calibrations: Vec<Calibration>,
    /// The strongest gradient, T/m, in the place of that of the spectrometer.
    pub max_gradient: Option<f64>,
}

/// The files of an export, and what a console does otherwise than it is emulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The files.
    pub files: Vec<File>,
    /// What is done otherwise.
    pub warnings: Vec<Diagnostic>,
}

impl Dialect {
    /// The dialect of this name.
    pub fn named(name: &str) -> Option<&'static Dialect> {
        DIALECTS.iter().find(|d| d.name == name)
    }
}

/// The most experiments of one export.
const MOST_EXPERIMENTS: usize = 1000;

/// Exports an experiment.
///
/// The points of a sweep are rows of one experiment if lists describe what differs: times, flip angles and loop counts. Else those of the
/// first sweep are experiments of their own, or those of the first two, and so on; the sweeps that remain are rows.
///
/// # Errors
/// All statements that cannot be exported, each at its place; calibrations that are missing; with what is done otherwise.
pub fn export(experiment: &Experiment, request: Request) -> Result<Exported, Vec<Diagnostic>> {
    electrons::refuse(experiment, request.dialect.simulated)?;
    let axes = axes(experiment, request.values).map_err(|fault| vec![*fault])?;
    let mut said = Vec::new();
    let mut apart = axes.as_slice().get(..0).unwrap_or_default();
    let parts = loop {
        let mut parts = Parts { experiment, request: &request, parts: vec![], warnings: vec![] };
        match parts.add(apart) {
            Ok(()) => break parts,
            Err(Rejected::Refused(wrong)) => return Err(wrong),
            Err(Rejected::Apart(why)) => {
                let Some(more) = axes.get(..apart.len() + 1) else { return Err(why) };
                add(&mut said, why);
                apart = more;
            }
        }
    };
    add(&mut said, parts.warnings);
    if !request.dialect.simulated {
        add(&mut said, over_calibration(&parts.parts, &request.calibrations));
    }
    let (file, text) = request.source;
    let job = Job {
        name: file_name(file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".seq")),
        source: file.to_string(),
        fingerprint: fingerprint(text),
        calibrations: request.calibrations.clone(),
        experiments: parts.parts,
    };
    let mut files = (request.dialect.write)(&job).map_err(|wrong| joined(&said, wrong))?;
    files.extend(job.points());
    Ok(Exported { files, warnings: said })
}

/// The experiments of an export.
struct Parts<'a> {
    experiment: &'a Experiment,
    request: &'a Request<'a>,
    parts: Vec<Part>,
    warnings: Vec<Diagnostic>,
}

impl Parts<'_> {
    /// Adds those of all points of these sweeps; the other sweeps are rows.
    fn add(&mut self, apart: &[SweepAxis]) -> Result<(), Rejected> {
        let points = points(apart, self.request.values);
        let of = points.len();
        if of > MOST_EXPERIMENTS {
            let sweep = self.experiment.sweeps.first().and_then(|s| s.first()).and_then(|s| s.place.0);
            return Err(Rejected::Refused(vec![too_many_experiments(sweep, of, MOST_EXPERIMENTS)]));
        }
        let units = Units::new(self.experiment, EnergyUnit::Default);
        for (k, values) in points.enumerate() {
            let value = |name: &String| Some((name.clone(), *values.get(name)?, units.parameter(name)));
            let swept: Vec<(String, f64, String)> = apart.iter().flat_map(|a| &a.names).filter_map(value).collect();
            let point = (!apart.is_empty()).then_some(Point { number: k + 1, of, values: swept });
            self.at(&values, point)?;
        }
        Ok(())
    }

    /// Adds the experiments of one point.
    fn at(&mut self, values: &Values, point: Option<Point>) -> Result<(), Rejected> {
        let (experiment, request) = (self.experiment, self.request);
        let simulated = request.dialect.simulated;
        let read = readouts(experiment, values).map_err(|fault| Rejected::Refused(vec![*fault]))?;
        let mut said = Vec::new();
        let sample = if simulated { Some(sample(experiment, values, &mut said)?) } else { None };
        for readout in read.iter().map(Some).chain(read.is_empty().then_some(None)) {
            let wanted = Wanted { values, spectrometer: request.spectrometer, readout, simulated };
            let Lowered { mut program, warnings } = lower(experiment, &wanted)?;
            add(&mut said, warnings);
            program.max_gradient = request.max_gradient.or(program.max_gradient);
            if !simulated {
                to_console(&mut program);
                let refused = |wrong| Rejected::Refused(joined(&said, wrong));
                let warnings = realise(&mut program, &request.calibrations).map_err(refused)?;
                add(&mut said, warnings);
            }
            add(&mut said, without_rows(&mut program));
            add(&mut said, without_time(&program, request.dialect));
            let readout = readout.map(|r| r.name());
            self.parts.push(Part { readout, point: point.clone(), program, sample: sample.clone() });
        }
        // Later points say the same in other numbers.
        let first = point.is_none_or(|p| p.number == 1);
        let known =
            |d: &Diagnostic| self.warnings.iter().any(|w| (w.code, w.span, &w.help) == (d.code, d.span, &d.help));
        said.retain(|d| first || !known(d));
        add(&mut self.warnings, said);
        Ok(())
    }
}

/// The sample as a simulator is told it: one crystal or a powder; other spreads are those of the emulator.
fn sample(experiment: &Experiment, values: &Values, warnings: &mut Vec<Diagnostic>) -> Result<Sample, Rejected> {
    for spread in experiment.ensemble.iter().filter(|d| !d.is_powder()) {
        let message = format!("the distribution of `{}` is not exported", spread.varied.word());
        warnings.push(
            Diagnostic::new(Code::ExportedOtherwise, spread.place.span(), message)
                .label("only the value in the file is exported")
                .help("use `--set` for another value of a parameter"),
        );
    }
    if !experiment.system.relax.is_empty() {
        let place = experiment.system.relax.first().map(|r| r.place.span()).unwrap_or_default();
        warnings.push(
            Diagnostic::new(Code::ExportedOtherwise, place, "relaxation is not exported")
                .label("no relaxation in the exported program")
                .help("compare with `ergoseq run` without `relax`"),
        );
    }
    let spins = |e: &Evaluator| e.basis.sites.iter().all(|s| s.kind == SiteKind::Spin && s.isotope.is_some());
    let refused = |fault: Fault| Rejected::Refused(vec![*fault]);
    let e = Evaluator::new(experiment, values).map_err(refused)?;
    if !spins(&e) {
        let message = "SIMPSON supports neither modes nor collectives nor spins without a nucleus";
        return Err(Rejected::Refused(vec![
            Diagnostic::new(Code::NotExported, experiment.system.place.span(), message)
                .label("unsupported subsystem")
                .help("declare spins by their isotopes, as in `spin h : 1H`"),
        ]));
    }
    if !experiment.system.frames.is_empty() {
        let message = "SIMPSON describes all spins in rotating frames";
        return Err(Rejected::Refused(vec![
            Diagnostic::new(Code::NotExported, experiment.system.place.span(), message)
                .label("`frame lab`")
                .help("leave `frame lab` out"),
        ]));
    }
    let sample = Sample::of(&e).map_err(refused)?;
    warnings.extend(without_cross_terms(experiment, &sample));
    for row in points(&axes(experiment, values).map_err(refused)?, values) {
        let e = Evaluator::new(experiment, &row).map_err(refused)?;
        if Sample::of(&e).map_err(refused)? != sample {
            let message = "the sample changes during the sweep: each point is exported as a separate experiment";
            let said = Diagnostic::new(Code::ExportedOtherwise, experiment.system.place.span(), message)
                .label("depends on a swept parameter")
                .help("`points.csv` lists the experiments");
            return Err(Rejected::Apart(vec![said]));
        }
    }
    Ok(sample)
}

/// The warning that the cross terms of quadrupolar couplings to second order with dipolar couplings are not exported.
fn without_cross_terms(experiment: &Experiment, sample: &Sample) -> Option<Diagnostic> {
    let crossed = |site: usize| {
        sample.dipolar.iter().any(|(a, b, ..)| (*a == site || *b == site) && a != b && !sample.like(*a, *b))
    };
    sample.quadrupoles.iter().find(|(site, .., order)| *order == 2 && crossed(*site))?;
    let place = experiment.system.interactions_of(InteractionKind::Quadrupole).next()?.place;
    let message = "the cross term of the quadrupolar and the dipolar coupling is not exported";
    Some(
        Diagnostic::new(Code::ExportedOtherwise, place.span(), message)
            .label("`order 2` exports the second order of the quadrupolar coupling alone")
            .help("compare with `order 1`, or without the dipolar coupling"),
    )
}

/// What was said before with what is wrong.
fn joined(said: &[Diagnostic], wrong: Vec<Diagnostic>) -> Vec<Diagnostic> {
    said.iter().cloned().chain(wrong).collect()
}

fn add(all: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    for diagnostic in more {
        if !all.contains(&diagnostic) {
            all.push(diagnostic);
        }
    }
}

/// A sweep that changes nothing of what is sent has one row.
fn without_rows(program: &mut Program) -> Vec<Diagnostic> {
    use program::{PerRow, StepKind};
    let mut listed = false;
    program.each(&mut |step| {
        listed |= match &step.kind {
            StepKind::Delay(PerRow::Rows(_), _) | StepKind::Loop(PerRow::Rows(_), _) => true,
            StepKind::Pulses(_, pulses) => pulses.iter().any(|p| matches!(p.duration, PerRow::Rows(_))),
            _ => false,
        }
    });
    if listed || program.rows == 1 {
        return vec![];
    }
    program.rows = 1;
    let message = format!("the sweep of {} does not affect the exported program", program.swept.join(", "));
    vec![Diagnostic::without_place(Code::ExportedOtherwise, message).help("one row is exported")]
}

/// Delays of a list that are shorter than a list can have them.
fn without_time(program: &Program, dialect: &Dialect) -> Vec<Diagnostic> {
    use program::{PerRow, StepKind};
    let mut out = Vec::new();
    program.each(&mut |step| {
        let StepKind::Delay(PerRow::Rows(times), _) = &step.kind else { return };
        if times.iter().any(|t| *t < dialect.shortest) {
            let shortest = number::micro(dialect.shortest);
            let message = format!(
                "delays in a list are at least {shortest} us: rows in which this delay is shorter get {shortest} us"
            );
            out.push(
                Diagnostic::new(Code::ExportedOtherwise, step.span, message)
                    .label("zero in some rows")
                    .help(format!("start the sweep at {shortest} us, so that the emulation agrees")),
            );
        }
    });
    out
}

/// Powers beyond those of the calibration: the amplifier may not be linear there, and the probe may not stand them. The strongest of each
/// statement is said.
fn over_calibration(parts: &[Part], calibrations: &[Calibration]) -> Vec<Diagnostic> {
    let mut strongest: Vec<(Span, &Calibration, f64)> = Vec::new();
    for program in parts.iter().map(|part| &part.program) {
        program.each(&mut |step| {
            let sent: Vec<(usize, f64)> = match &step.kind {
                program::StepKind::Pulses(_, pulses) => pulses.iter().map(|p| (p.channel, p.strength)).collect(),
                program::StepKind::Decouple(decoupling) => vec![(decoupling.channel, decoupling.strength)],
                _ => return,
            };
            for (channel, strength) in sent {
                let nucleus = program.nucleus(channel);
                let Some(found) = calibrations.iter().find(|c| c.nucleus == nucleus) else { continue };
                if strength <= found.strength() * (1.0 + 1e-9) {
                    continue;
                }
                match strongest.iter_mut().find(|s| (s.0, &s.1.nucleus) == (step.span, &found.nucleus)) {
                    Some(known) => known.2 = known.2.max(strength),
                    None => strongest.push((step.span, found, strength)),
                }
            }
        });
    }
    let said = |(span, found, strength): (Span, &Calibration, f64)| {
        let (power, known) = (number::plain(found.power_for(strength)), number::plain(found.power));
        let message = format!("this pulse on {} needs {power} W, more than the calibrated {known} W", found.nucleus);
        Diagnostic::new(Code::ExportedOtherwise, span, message)
            .label("beyond the calibration")
            .help("calibrate at this power, and compare it with the limit of the probe")
    };
    strongest.into_iter().map(said).collect()
}

/// The first sixteen digits of the SHA-256 of a text.
fn fingerprint(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
