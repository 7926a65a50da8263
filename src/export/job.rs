//! What a dialect writes down, and the files that it makes of it.

use super::calibration::Calibration;
use super::program::Program;
use crate::hamiltonian::sample::Sample;

/// A file of an export: its path from the folder on, and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The path.
    pub path: String,
    /// The text.
    pub text: String,
}

impl File {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> File {
        File { path: path.into(), text: text.into() }
    }
}

/// What a dialect writes down.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The name of the program: letters, digits and `_`.
    pub name: String,
    /// The file that it was written from.
    pub source: String,
    /// The fingerprint of that file.
    pub fingerprint: String,
    /// The calibrations of the channels.
    pub calibrations: Vec<Calibration>,
    /// The programs; several where a tomography is read out, each with the name of its readout.
    pub experiments: Vec<(Option<String>, Program)>,
    /// The sample, where a simulator needs it.
    pub sample: Option<Sample>,
}

impl Job {
    pub(super) fn title(&self) -> &str {
        self.experiments.first().map_or("", |(_, p)| p.title.as_str())
    }

    pub(super) fn channels(&self) -> String {
        let Some((_, program)) = self.experiments.first() else { return String::new() };
        let all = program.channels.iter().enumerate().map(|(k, c)| format!("{} to f{}", c.nucleus, k + 1));
        all.collect::<Vec<_>>().join(", ")
    }
}

/// A name of letters, digits and `_`, which does not begin with a digit.
pub fn file_name(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) || plain.is_empty() { format!("e_{plain}") } else { plain }
}
