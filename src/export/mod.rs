//! An experiment as the program of a console or of another simulator.
//!
//! * `program`: the small form between: events, delays, pulses, gradients, loops, lists, an acquisition.
//! * `lower`: from a checked experiment to it; what cannot be exported is refused at its place.
//! * `calibration` and `realise`: powers, and ideal pulses as a console makes them.
//! * one file or folder a dialect, each a row of `DIALECTS`.

pub mod calibration;
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
use crate::hamiltonian::sample::Sample;
use crate::hamiltonian::{Evaluator, Values};
use crate::ir::Experiment;
use crate::spin::SiteKind;
use calibration::Calibration;
use job::file_name;
use lower::{Lowered, Wanted, lower, readouts};
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

/// Exports an experiment.
///
/// # Errors
/// All statements that cannot be exported, each at its place; calibrations that are missing; with what is done otherwise.
pub fn export(experiment: &Experiment, request: Request) -> Result<Exported, Vec<Diagnostic>> {
    let simulated = request.dialect.simulated;
    let read = readouts(experiment, request.values).map_err(|fault| vec![*fault])?;
    let wanted = read.iter().map(Some).chain(read.is_empty().then_some(None));
    let (mut experiments, mut warnings) = (vec![], vec![]);
    for readout in wanted {
        let wanted = Wanted { values: request.values, spectrometer: request.spectrometer, readout, simulated };
        let Lowered { mut program, warnings: said } = lower(experiment, &wanted)?;
        add(&mut warnings, said);
        program.max_gradient = request.max_gradient.or(program.max_gradient);
        if !simulated {
            to_console(&mut program);
            let said = realise(&mut program, &request.calibrations).map_err(|wrong| joined(&warnings, wrong))?;
            add(&mut warnings, said);
            add(&mut warnings, over_calibration(&program, &request.calibrations));
        }
        add(&mut warnings, without_rows(&mut program));
        add(&mut warnings, without_time(&program, request.dialect));
        experiments.push((readout.map(|r| r.name()), program));
    }
    let sample = if simulated { Some(sample(experiment, request.values, &mut warnings)?) } else { None };
    let (file, text) = request.source;
    let job = Job {
        name: file_name(file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".seq")),
        source: file.to_string(),
        fingerprint: fingerprint(text),
        calibrations: request.calibrations,
        experiments,
        sample,
    };
    let files = (request.dialect.write)(&job).map_err(|wrong| joined(&warnings, wrong))?;
    Ok(Exported { files, warnings })
}

/// The sample as a simulator is told it: one crystal or a powder; other spreads are those of the emulator.
fn sample(experiment: &Experiment, values: &Values, warnings: &mut Vec<Diagnostic>) -> Result<Sample, Vec<Diagnostic>> {
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
    let e = Evaluator::new(experiment, values).map_err(|fault| vec![*fault])?;
    if !spins(&e) {
        let message = "SIMPSON supports neither modes nor collectives nor spins without a nucleus";
        return Err(vec![
            Diagnostic::new(Code::NotExported, experiment.system.place.span(), message)
                .label("unsupported subsystem")
                .help("declare spins by their isotopes, as in `spin h : 1H`"),
        ]);
    }
    Sample::of(&e).map_err(|fault| vec![*fault])
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

/// Powers beyond those of the calibration: the amplifier may not be linear there, and the probe may not stand them.
fn over_calibration(program: &Program, calibrations: &[Calibration]) -> Vec<Diagnostic> {
    let mut out: Vec<Diagnostic> = Vec::new();
    program.each(&mut |step| {
        let sent: Vec<(usize, f64)> = match &step.kind {
            program::StepKind::Pulses(_, pulses) => pulses.iter().map(|p| (p.channel, p.strength)).collect(),
            program::StepKind::Decouple(decoupling) => vec![(decoupling.channel, decoupling.strength)],
            _ => return,
        };
        for (channel, strength) in sent {
            let nucleus = program.channels.get(channel).map_or("", |c| c.nucleus.as_str());
            let Some(found) = calibrations.iter().find(|c| c.nucleus == nucleus) else { continue };
            if strength <= found.strength() * (1.0 + 1e-9) {
                continue;
            }
            let (power, known) = (number::plain(found.power_for(strength)), number::plain(found.power));
            let message = format!("this pulse on {nucleus} needs {power} W, more than the calibrated {known} W");
            out.push(
                Diagnostic::new(Code::ExportedOtherwise, step.span, message)
                    .label("beyond the calibration")
                    .help("calibrate at this power, and compare it with the limit of the probe"),
            );
        }
    });
    out
}

/// The first sixteen digits of the SHA-256 of a text.
fn fingerprint(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
