//! What a dialect writes down, and the files that it makes of it.

use super::calibration::Calibration;
use super::number::plain;
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
    /// The experiments: one, or one per readout of a tomography and per point of a sweep that no list describes.
    pub experiments: Vec<Part>,
}

/// One experiment of an export.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The readout of a tomography that ends it: `IX.1H`.
    pub readout: Option<String>,
    /// The point of the sweep, if every point is an experiment.
    pub point: Option<Point>,
    /// The program.
    pub program: Program,
    /// The sample, where a simulator needs it.
    pub sample: Option<Sample>,
}

/// A point of a sweep that is an experiment by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its number, from 1.
    pub number: usize,
    /// The number of points.
    pub of: usize,
    /// Names, values in base units, and units of the swept parameters.
    pub values: Vec<(String, f64, String)>,
}

impl Point {
    /// The number with as many digits as that of the last point, at least three.
    pub fn padded(&self) -> String {
        let width = self.of.to_string().len().max(3);
        format!("{:0width$}", self.number)
    }

    /// `point 2 of 8: phi = 0.785398163397 rad`
    pub fn sentence(&self) -> String {
        let value =
            |(name, x, unit): &(String, f64, String)| format!("{name} = {} {unit}", plain(*x)).trim_end().to_string();
        let all: Vec<String> = self.values.iter().map(value).collect();
        format!("point {} of {}: {}", self.number, self.of, all.join(", "))
    }
}

impl Part {
    /// The name of the folder in which `ergoseq compare` and `ergoseq tomography` expect the data; that of the program if there is one
    /// experiment.
    pub(super) fn data_name(&self, stem: &str) -> String {
        let received = self.program.channels.first().map_or("", |c| c.nucleus.as_str());
        match (&self.point, &self.readout) {
            (None, None) => stem.to_string(),
            (None, Some(readout)) => readout.clone(),
            (Some(point), None) => format!("fid.{}.{received}", point.padded()),
            (Some(point), Some(readout)) => format!("{}/{readout}", point.padded()),
        }
    }
}

impl Job {
    pub(super) fn title(&self) -> &str {
        self.experiments.first().map_or("", |part| part.program.title.as_str())
    }

    /// The name of a program: that of the job, with the number of its point and its readout.
    pub(super) fn stem(&self, part: &Part) -> String {
        let point = part.point.as_ref().map_or(String::new(), |point| format!("_{}", point.padded()));
        let readout = part.readout.as_ref().map_or(String::new(), |readout| format!("_{}", file_name(readout)));
        format!("{}{point}{readout}", self.name)
    }

    /// The table of the points that are experiments, with their numbers; nothing if there are none.
    pub(super) fn points(&self) -> Option<File> {
        let points: Vec<&Point> = self.experiments.iter().filter_map(|part| part.point.as_ref()).collect();
        let head = points.first()?;
        let name = |(name, _, unit): &(String, f64, String)| {
            if unit.is_empty() { format!(",{name}") } else { format!(",{name} [{unit}]") }
        };
        let mut lines = vec![format!("number{}\n", head.values.iter().map(name).collect::<String>())];
        for point in points {
            let values: String = point.values.iter().map(|(_, x, _)| format!(",{}", plain(*x))).collect();
            lines.push(format!("{}{values}\n", point.padded()));
        }
        lines.dedup();
        Some(File::new("points.csv", lines.concat()))
    }

    pub(super) fn channels(&self) -> String {
        let Some(part) = self.experiments.first() else { return String::new() };
        let all = part.program.channels.iter().enumerate().map(|(k, c)| format!("{} to f{}", c.nucleus, k + 1));
        all.collect::<Vec<_>>().join(", ")
    }
}

/// A name of letters, digits and `_`, which does not begin with a digit.
pub fn file_name(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) || plain.is_empty() { format!("e_{plain}") } else { plain }
}
