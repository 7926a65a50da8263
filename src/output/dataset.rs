//! The results of a sweep as one labelled array for each quantity: `ergotropy(tau, theta, mark)` and `charging.ergotropy(tau, theta,
//! charging_sample)`, with coordinates, units, and what made them. Which variables there are is told by the results of one point; the
//! place of every value follows from its point, so that points may be written in any order and the file is the same.

use super::netcdf::{Header, Type, Variable};
use super::results::{EnergyUnit, Results};
use crate::diagnostic::{CODES, Code};
use crate::emulator::{METHODS, Options, Run, SweepAxis};
use crate::ir::Experiment;
use crate::metrics::Metric;
use crate::source::Sources;
use sha2::{Digest, Sha256};

/// What a point is before it was computed.
pub const PENDING: i16 = -1;

/// The name of the variable that says how a point ended.
pub const STATUS: &str = "status";

/// The layout of the file of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The header.
    pub header: Header,
    /// How many points the sweep has.
    pub points: u64,
}

/// A variable to be: name, dimensions, kind, texts.
type Described = (String, Vec<usize>, Type, Vec<(String, String)>);

/// Bytes that belong at a place of the file.
pub type Patch = (u64, Vec<u8>);

/// The number of a code: 404 for E404.
pub fn number_of(code: Code) -> i16 {
    let text = CODES.iter().find(|(c, ..)| *c == code).map_or("", |(_, text, _)| text);
    text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(i16::MAX)
}

fn text(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_string(), value.into())
}

/// How the points are emulated, in words: every option that can change a result.
fn settings(options: &Options) -> String {
    let word = METHODS.iter().find(|(_, method, _)| *method == options.method).map_or("auto", |(word, ..)| *word);
    let spectrometer = options.spectrometer.as_deref().unwrap_or("none");
    let mut out = format!("method {word}, tolerance {:e}, spectrometer {spectrometer}", options.tolerance);
    if let Some(typical) = options.typical {
        out += &format!(", {} random vectors of seed {}", typical.vectors, typical.seed);
    }
    out
}

/// The texts that determine the results of a sweep, beside the values of its parameters: the version, the options, the program,
/// every file it uses, every shape. Kept points are used again only where all of them are the same.
pub fn origin(experiment: &Experiment, sources: &Sources, options: &Options) -> Vec<(String, String)> {
    let title = &experiment.title;
    let mut out = vec![text("title", if title.is_empty() { "a sweep" } else { title })];
    out.push(text("ergoseq", env!("CARGO_PKG_VERSION")));
    out.push(text("settings", settings(options)));
    // The first file is the program; the others are what it uses and what the command line gave. Their folders say nothing about
    // the results, and names of attributes have no slashes.
    let base = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or(name).to_string();
    for (k, source) in sources.files().iter().enumerate() {
        let alike = sources.files().iter().take(k).skip(1).filter(|s| base(&s.name) == base(&source.name)).count();
        let name = match (k, alike) {
            (0, _) => "source".to_string(),
            (_, 0) => format!("source of {}", base(&source.name)),
            _ => format!("source of {} ({})", base(&source.name), alike + 1),
        };
        out.push((name, source.text.clone()));
    }
    // Shapes are read from files of their own, which are no part of the program's text.
    for shape in &experiment.shapes {
        let step = |(amplitude, phase): &(f64, f64)| format!("{amplitude} {phase}\n");
        out.push(text(&format!("shape {}", shape.name), shape.steps.iter().map(step).collect::<String>()));
    }
    out.push(text("source_sha256", fingerprint(sources)));
    out
}

/// The SHA-256 of all texts of a program, one behind the other, in hexadecimal digits.
pub fn fingerprint(sources: &Sources) -> String {
    let mut hash = Sha256::new();
    sources.files().iter().for_each(|source| hash.update(source.text.as_bytes()));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Dataset {
    /// The layout of a sweep of which one point is known.
    pub fn new(results: &Results, axes: &[SweepAxis], mut origin: Vec<(String, String)>) -> Dataset {
        let mut header = Header::default();
        for axis in axes {
            header.dimensions.push((axis.leading().0.to_string(), axis.len() as u64));
        }
        let grid: Vec<usize> = (0..axes.len()).collect();
        let points = header.dimensions.iter().map(|(_, n)| n).product();
        let first = results.points.first();
        // Values of parameters that are not swept hold everywhere.
        let fixed: Vec<String> = first.map_or(vec![], |run| {
            let swept = |name: &String| axes.iter().any(|a| a.names.contains(name));
            let shown = run.params.iter().filter(|(k, _)| !swept(k));
            shown.map(|(k, v)| format!("{k} = {} {}", crate::syntax::number_text(*v), results.param_unit(k))).collect()
        });
        origin.push(text("parameters", fixed.iter().map(|t| t.trim_end()).collect::<Vec<_>>().join("; ")));
        let more: Vec<&str> = axes.iter().flat_map(|a| a.names.iter().skip(1)).map(String::as_str).collect();
        if !more.is_empty() {
            origin.push(text("coordinates", more.join(" ")));
        }
        header.attributes = origin;
        let mut variables: Vec<Described> = Vec::new();
        for (k, axis) in axes.iter().enumerate() {
            for name in &axis.names {
                variables.push((name.clone(), vec![k], Type::Double, units(results.param_unit(name))));
            }
        }
        let meanings: Vec<String> = CODES.iter().map(|(_, code, title)| format!("{code} {title}")).collect();
        variables.push((
            STATUS.to_string(),
            grid.clone(),
            Type::Short,
            vec![
                text("long_name", "-1 not computed, 0 computed, else the number of the error"),
                text("errors", meanings.join("\n")),
            ],
        ));
        if let Some(run) = first {
            for (key, _) in &run.summary {
                variables.push((key.clone(), grid.clone(), Type::Double, about(results, key)));
            }
            marks(results, run, &grid, &mut header, &mut variables);
            for trace in &run.traces {
                let dimension = header.dimensions.len();
                header.dimensions.push((format!("{}_sample", trace.name), trace.time.len() as u64));
                let own: Vec<usize> = grid.iter().copied().chain([dimension]).collect();
                let time = units(results.time_unit().to_string());
                variables.push((format!("{}.time", trace.name), own.clone(), Type::Double, time));
                for (key, _) in &trace.values {
                    variables.push((format!("{}.{key}", trace.name), own.clone(), Type::Double, about(results, key)));
                }
            }
        }
        header.variables = variables
            .into_iter()
            .map(|(name, dimensions, kind, attributes)| Variable { name, dimensions, attributes, kind, begin: 0 })
            .collect();
        header.arrange();
        Dataset { header, points }
    }

    /// A file that was written before.
    ///
    /// # Errors
    /// When it is none of a sweep.
    pub fn read(bytes: &[u8]) -> Result<Dataset, String> {
        let header = Header::read(bytes)?;
        let status = header.variable(STATUS).ok_or("it holds no sweep")?;
        let grid = &status.dimensions;
        let of_grid = |v: &Variable| v.kind == Type::Char || v.dimensions.starts_with(grid) || v.dimensions.len() == 1;
        if status.kind != Type::Short || grid.is_empty() || !header.variables.iter().all(of_grid) {
            return Err("it holds no sweep".into());
        }
        let points = header.count(status);
        Ok(Dataset { header, points })
    }

    /// What stands in the file before any point was computed: coordinates, and fill values of the rest, as runs of bytes.
    pub fn blank(&self, axes: &[SweepAxis]) -> Vec<Blank> {
        let swept = || axes.iter().flat_map(|a| a.names.iter().zip(&a.values));
        let coordinate = |name: &str| swept().find(|(n, _)| *n == name).map(|(_, values)| values);
        let fill = |v: &Variable| -> Blank {
            let size = self.header.size(v);
            if let Some(values) = coordinate(&v.name) {
                return Blank::Bytes(values.iter().flat_map(|x| x.to_be_bytes()).collect());
            }
            match v.kind {
                Type::Char => Blank::Bytes(self.names_of(v)),
                Type::Short => Blank::Repeated(PENDING.to_be_bytes().to_vec(), size),
                Type::Double => Blank::Repeated(f64::NAN.to_be_bytes().to_vec(), size),
            }
        };
        self.header.variables.iter().map(fill).collect()
    }

    /// The names of the marks, as rows of characters.
    fn names_of(&self, v: &Variable) -> Vec<u8> {
        let width = v.dimensions.last().and_then(|d| self.header.dimensions.get(*d)).map_or(0, |(_, n)| *n as usize);
        let names = v.attributes.iter().find(|(k, _)| k == "names").map_or("", |(_, t)| t.as_str());
        let mut out = Vec::new();
        for name in names.split('\n') {
            let mut row = name.as_bytes().to_vec();
            row.resize(width, 0);
            out.extend(row);
        }
        out.resize(self.header.size(v) as usize, 0);
        out
    }

    /// The values of a point: all but its status, which is written when they stand.
    ///
    /// # Errors
    /// When the point has other results than the layout knows, as a sentence.
    pub fn values(&self, results: &Results, run: &Run, point: u64) -> Result<Vec<Patch>, String> {
        let mut patches = Vec::new();
        let mut put = |name: &str, count: usize, values: &mut dyn Iterator<Item = f64>| -> Result<(), String> {
            let variable = self.header.variable(name).ok_or_else(|| format!("other points have no `{name}`"))?;
            let own = self.header.count(variable) / self.points;
            if own != count as u64 {
                return Err(format!("`{name}` has {count} values here and {own} at other points"));
            }
            let mut bytes = Vec::with_capacity(8 * count);
            values.for_each(|x| bytes.extend_from_slice(&x.to_be_bytes()));
            patches.push((variable.begin + point * own * Type::Double.size(), bytes));
            Ok(())
        };
        let in_unit = |key: &str| {
            let divisor = results.divisor(key);
            move |x: Option<f64>| x.map_or(f64::NAN, |x| x / divisor)
        };
        for (key, value) in &run.summary {
            put(key, 1, &mut std::iter::once(in_unit(key)(*value)))?;
        }
        let marks = run.marks.len();
        if marks > 0 {
            put("mark_time", marks, &mut run.marks.iter().map(|m| m.time))?;
        }
        for (k, (key, _)) in run.marks.first().map_or(&[][..], |m| &m.values).iter().enumerate() {
            let number = in_unit(key);
            let values = run.marks.iter().map(|m| number(m.values.get(k).and_then(|(_, x)| *x)));
            put(&at_marks(run, key), marks, &mut { values })?;
        }
        for trace in &run.traces {
            put(&format!("{}.time", trace.name), trace.time.len(), &mut trace.time.iter().copied())?;
            for (key, values) in &trace.values {
                let number = in_unit(key);
                put(&format!("{}.{key}", trace.name), values.len(), &mut values.iter().map(|x| number(*x)))?;
            }
        }
        Ok(patches)
    }

    /// The status of a point: 0, or the number of its error.
    pub fn status(&self, point: u64, status: i16) -> Patch {
        (self.status_begin() + point * Type::Short.size(), status.to_be_bytes().to_vec())
    }

    /// Where the statuses begin.
    pub fn status_begin(&self) -> u64 {
        self.header.variable(STATUS).map_or(0, |v| v.begin)
    }

    /// The parts of the file that belong to some points in a row, with where they begin.
    pub fn parts(&self, from: u64, points: u64) -> Vec<(u64, u64)> {
        let grid: u64 = self.points;
        let of_points =
            |v: &&Variable| v.kind != Type::Char && self.header.count(v) >= grid && v.dimensions.len() >= self.rank();
        let part = |v: &Variable| {
            let each = self.header.count(v) / grid * v.kind.size();
            (v.begin + from * each, points * each)
        };
        self.header.variables.iter().filter(of_points).filter(|v| v.name != STATUS).map(part).collect()
    }

    fn rank(&self) -> usize {
        self.header.variable(STATUS).map_or(0, |v| v.dimensions.len())
    }
}

/// What fills a variable at the beginning.
pub enum Blank {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes again and again, for so many bytes.
    Repeated(Vec<u8>, u64),
}

fn units(unit: String) -> Vec<(String, String)> {
    if unit.is_empty() { vec![] } else { vec![text("units", unit)] }
}

/// Unit and formula of a result.
fn about(results: &Results, key: &str) -> Vec<(String, String)> {
    let mut out = units(results.unit(key).to_string());
    let measure = results.experiment.measures.iter().find(|m| m.key == key);
    if let Some(measure) = measure {
        out.push(text("expression", measure.value.to_string()));
    }
    if let Some(metric) = Metric::named(key.split('(').next().unwrap_or(key)) {
        out.push(text("long_name", metric.formula));
    }
    out
}

/// The variable of a metric at the marks; that of a summary of the same name has the name for itself.
fn at_marks(run: &Run, key: &str) -> String {
    if run.summary.iter().any(|(k, _)| k == key) { format!("{key}_at_marks") } else { key.to_string() }
}

fn marks(results: &Results, run: &Run, grid: &[usize], header: &mut Header, variables: &mut Vec<Described>) {
    let Some(first) = run.marks.first() else { return };
    let (marks, letters) = (header.dimensions.len(), header.dimensions.len() + 1);
    header.dimensions.push(("mark".into(), run.marks.len() as u64));
    let longest = run.marks.iter().map(|m| m.name.len()).max().unwrap_or(1).max(1);
    header.dimensions.push(("letters".into(), longest as u64));
    let names = run.marks.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join("\n");
    let about_names = vec![text("_Encoding", "utf-8"), text("names", names)];
    variables.push(("mark".into(), vec![marks, letters], Type::Char, about_names));
    let own: Vec<usize> = grid.iter().copied().chain([marks]).collect();
    variables.push(("mark_time".into(), own.clone(), Type::Double, units(results.time_unit().to_string())));
    for (key, _) in &first.values {
        variables.push((at_marks(run, key), own.clone(), Type::Double, about(results, key)));
    }
}

/// Results that carry what a layout needs of an experiment, without points.
pub fn bare<'a>(experiment: &'a Experiment, file: &'a str, points: &'a [Run]) -> Results<'a> {
    Results { experiment, file, swept: vec![], points, energy: EnergyUnit::Default }
}
