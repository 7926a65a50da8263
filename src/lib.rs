//! **ergoseq**: from a `.seq` file to ergotropy and capacity.
//!
//! A file passes through these stages, one folder each:
//!
//! 1. [`source`] holds texts and positions in them; [`diagnostic`] reports errors and warnings.
//! 2. [`syntax`] parses a text to a syntax tree and prints it. It contains no physics.
//! 3. [`check`] converts the tree to an [`ir::Experiment`]: names are resolved, dimensions known, values still symbolic.
//! 4. [`hamiltonian`] evaluates an experiment at one point of its parameters and returns a [`hamiltonian::Schedule`]: the operators
//!    that act, their coefficients and the edges between them.
//! 5. [`emulator`] propagates a state through the schedule and evaluates [`metrics`] at marks and in traces: an [`emulator::Run`].
//!    [`tomography`] reconstructs states from simulated or measured readouts, and [`decays`] reads FID files of spectrometers.
//! 6. [`results`] holds the runs of all points as named columns with units: a single type for every output.
//! 7. [`verdict`] compares a run with the `expect` and `theory` lines.
//! 8. [`output`] writes results as tables, JSON, CSV or NetCDF, and figures as CSV, SVG or PNG.
//! 9. [`search`] optimises parameters and fits them to measured data.
//! 10. [`comparison`] compares theory, emulation and measurement.
//! 11. [`report`] writes the report page; [`editor`] serves editors while a text is being written.
//!
//! In addition, [`export`] writes an experiment for a console or SIMPSON, [`import`] reads Bruker pulse programs and SIMPSON input
//! files, [`pulse_program`] parses and checks Bruker pulse programs, and [`synthesis`] finds the pulses that make a wanted Hamiltonian. [`delimited`] reads text tables. [`units`] defines signs, factors
//! of 2 pi and constants; [`linalg`] is the only module that uses the matrix crates; [`lanes`] has the same algebra for batches of small
//! matrices; [`spin`] has operators and states; [`metrics`] accepts any density matrix and Hamiltonian; [`noise`] is reproducible for a
//! given seed. The command reproduces papers and times workloads.
//!
//! Points of a sweep that differ only in numbers are compiled once, to a [`hamiltonian::program::Program`], and propagated together.
//!
//! The library reads no file, clock, environment variable or global. Most users need only the two calls [`compile()`] and [`run`]; the
//! [`prelude`] exports the related names:
//!
//! ```
//! use ergoseq::prelude::*;
//!
//! let text = r#"
//! ergoseq 1
//! units natural
//! param Omega = 1
//! system { spin a, b : 1/2 }
//! hamiltonian H = Z(a)*Z(b) - X(a)*X(b) - Y(a)*Y(b)
//! battery { energy = H }
//! sequence {
//!     prepare gibbs(H, 1)
//!     evolve Omega * (X(a) + X(b)) for pi/Omega record 101 as charging
//! }
//! measure { xi_max = max(ergotropy) }
//! "#;
//! let compiled = compile("battery.seq", text, &mut no_files)?;
//! let run = run(&compiled.experiment, &Values::new(), &Options::default())?;
//! assert!(run.scalar("xi_max") > Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// What a user gives never ends the program: an index that cannot be wrong stands under `expect` with the reason.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::string_slice))]

pub mod budget;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod comparison;
pub mod compile;
#[doc(hidden)]
pub mod decays;
#[doc(hidden)]
pub mod delimited;
pub mod diagnostic;
#[doc(hidden)]
pub mod editor;
pub mod emulator;
pub mod export;
pub mod hamiltonian;
pub mod import;
pub mod ir;
#[doc(hidden)]
pub mod lanes;
pub mod linalg;
pub mod metrics;
#[doc(hidden)]
pub mod noise;
pub mod output;
pub mod prelude;
pub mod pulse_program;
#[doc(hidden)]
pub mod report;
pub mod results;
pub mod search;
pub mod source;
pub mod spin;
pub mod syntax;
#[doc(hidden)]
pub mod synthesis;
pub mod tomography;
pub mod units;
pub mod verdict;
#[doc(hidden)]
pub mod waveform;

pub use compile::{Compiled, Refused, compile, expand, no_files, outline};

use diagnostic::{Code, Diagnostic};
use hamiltonian::{Evaluator, Fault, Values};
use ir::Experiment;
use serde_yaml::MessageFormatter;
use source::Span;

/// Builds the schedule at the given values without running it: finds values out of range, pulses over their limit,
/// Hamiltonians that are not Hermitian. Gives warnings.
///
/// # Errors
/// When a mistake is found.
pub fn check_values(experiment: &Experiment, values: &Values) -> Result<Vec<Diagnostic>, Fault> {
    check_on(experiment, values, None)
}

/// The same in the steps and limits of a spectrometer that the experiment declares: also says what is rounded.
///
/// # Errors
/// When a mistake is found, or the spectrometer cannot do something.
pub fn check_on(
    experiment: &Experiment,
    values: &Values,
    spectrometer: Option<&str>,
) -> Result<Vec<Diagnostic>, Fault> {
    hamiltonian::examine(experiment, values, spectrometer)
}

/// The value that a text gives a parameter, as `--set NAME=TEXT` does; `file` is the number of the text among the sources.
///
/// # Errors
/// When there is no such parameter, or the text is no value of its kind and range.
pub fn setting(experiment: &Experiment, name: &str, text: &str, file: u32) -> Result<f64, Fault> {
    let expr = syntax::parse_expression(text, file)?;
    check::check_setting(&experiment.scope(), name, &expr)?;
    // Such values have no names in them, so an experiment without parameters evaluates them.
    let bare = Experiment { units: experiment.units, ..Experiment::default() };
    Evaluator::new(&bare, &Values::new())?.number(&expr)
}

/// Runs an experiment at one point of its parameters (SI or natural units); those not given have their defaults.
///
/// # Errors
/// When the experiment cannot be run at this point.
pub fn run(experiment: &Experiment, values: &Values, options: &emulator::Options) -> Result<emulator::Run, Fault> {
    emulator::run(experiment, values, options, &[])
}

/// An experiment as YAML.
///
/// # Errors
/// When it cannot be written, which no checked experiment meets.
pub fn to_yaml(experiment: &Experiment) -> Result<String, String> {
    serde_yaml::to_string(experiment).map_err(|e| e.to_string())
}

/// An experiment from YAML. The text is file 0 of the sources of an error.
///
/// # Errors
/// When the text is no experiment.
pub fn from_yaml(text: &str) -> Result<Experiment, Fault> {
    serde_yaml::from_str(text).map_err(|e: serde_yaml::Error| {
        let why = serde_yaml::DefaultMessageFormatter.format_message(e.without_snippet()).into_owned();
        let message = format!("this is not an experiment: {why}");
        let found = match e.location() {
            Some(at) => Diagnostic::new(Code::NotAnExperiment, word_at(text, at.line(), at.column()), message),
            None => Diagnostic::without_place(Code::NotAnExperiment, message),
        };
        Box::new(found.help("`ergoseq show FILE.seq --stage ir` writes one"))
    })
}

/// The word of a text that begins at a line and column, both counted from 1, columns in characters.
fn word_at(text: &str, line: u64, column: u64) -> Span {
    let index = |n: u64| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let before: usize = text.split_inclusive('\n').take(index(line)).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    let inside: usize = rest.chars().take_while(|c| *c != '\n').take(index(column)).map(char::len_utf8).sum();
    let word: usize = rest
        .get(inside..)
        .unwrap_or_default()
        .chars()
        .take_while(|c| !c.is_whitespace() && *c != ':')
        .map(char::len_utf8)
        .sum();
    let byte = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { file: 0, start: byte(before + inside), end: byte(before + inside + word) }
}
