//! The results of a sweep as a NetCDF file: the arrays of their schema, and what made them. The place of every value follows from its
//! point, so that points may be written in any order and the file is the same.

use super::netcdf::{Header, Type, Variable};
use crate::emulator::{METHODS, Options, PROCESSORS, Processor, SweepAxis};
use crate::ir::Experiment;
use crate::results::{Array, Content, Over, PENDING, ResultSet, STATUS, Schema};
use crate::source::Sources;
use sha2::{Digest, Sha256};

/// A file of a sweep: its header, without knowledge of what the variables mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The header.
    pub header: Header,
    /// How many points the sweep has.
    pub points: u64,
}

/// Where the values of a column stand in a file: its number in the schema, where its variable begins, and values a point.
struct Place {
    column: usize,
    begin: u64,
    own: usize,
}

/// The layout of a file that a schema gives.
pub struct Layout {
    /// The file.
    pub dataset: Dataset,
    places: Vec<Place>,
}

/// Bytes that belong at a place of the file.
pub type Patch = (u64, Vec<u8>);

fn text(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_string(), value.into())
}

/// How the points are emulated, in words: every option that can change a result.
fn settings(options: &Options) -> String {
    let word = METHODS.iter().find(|(_, method, _)| *method == options.method).map_or("auto", |(word, ..)| *word);
    let spectrometer = options.spectrometer.as_deref().unwrap_or("none");
    let mut out = format!("method {word}, tolerance {:e}, spectrometer {spectrometer}", options.tolerance);
    if let Some((word, ..)) = PROCESSORS.iter().find(|(_, p, _)| *p == options.processor && *p != Processor::Cpu) {
        out += &format!(", processor {word}");
    }
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

impl Layout {
    /// The layout of a sweep; `origin` are the attributes that tell what made it.
    pub fn new(schema: &Schema, mut origin: Vec<(String, String)>) -> Layout {
        let arrays = schema.arrays();
        origin.push(text("parameters", schema.fixed_text()));
        let more: Vec<&str> = schema.axes.iter().flat_map(|a| a.names.iter().skip(1)).map(String::as_str).collect();
        if !more.is_empty() {
            origin.push(text("coordinates", more.join(" ")));
        }
        // Names of marks are rows of letters, a dimension that follows `mark`.
        let mark =
            arrays.arrays.iter().find(|a| a.content == Content::Marks).and_then(|a| a.dimensions.first().copied());
        let own = |d: usize| d + usize::from(mark.is_some_and(|mark| d > mark));
        let mut dimensions: Vec<(String, u64)> =
            arrays.dimensions.iter().map(|d| (d.name.clone(), d.length as u64)).collect();
        if let Some(mark) = mark {
            let longest = schema.marks().iter().map(String::len).max().unwrap_or(1).max(1);
            dimensions.insert(mark + 1, ("letters".into(), longest as u64));
        }
        let variable = |array: &Array| {
            let mut variable = Variable {
                name: array.name.clone(),
                dimensions: array.dimensions.iter().map(|d| own(*d)).collect(),
                attributes: array.attributes.clone(),
                kind: match array.content {
                    Content::Status => Type::Short,
                    Content::Marks => Type::Char,
                    Content::Coordinate(..) | Content::Column(_) => Type::Double,
                },
                begin: 0,
            };
            if array.content == Content::Marks {
                variable.dimensions.extend(mark.map(|mark| mark + 1));
                variable.attributes = vec![text("_Encoding", "utf-8"), text("names", schema.marks().join("\n"))];
            }
            variable
        };
        let variables = arrays.arrays.iter().map(variable).collect();
        let points = arrays.dimensions.iter().take(arrays.sweeps).map(|d| d.length as u64).product();
        let mut header = Header { dimensions, attributes: origin, variables };
        header.arrange();
        let places = places(schema, &arrays.arrays, &header);
        Layout { dataset: Dataset { header, points }, places }
    }

    /// The values of neighbouring points of the sweep, the first of which is `point`: all but their statuses, which are written when they
    /// stand.
    ///
    /// # Errors
    /// When a point has another number of samples than the layout, as a sentence.
    pub fn values(&self, set: &ResultSet, point: u64) -> Result<Vec<Patch>, String> {
        let patch = |place: &Place| {
            let Some(column) = set.values(place.column) else { return Err("other points have more columns".into()) };
            let mut lengths = (0..set.len()).map(|at| column.at(at).len());
            if let Some(here) = lengths.find(|length| *length != place.own) {
                let (name, there) = (&column.column.name, place.own);
                return Err(format!("`{name}` has {here} values here and {there} at other points"));
            }
            let mut bytes = vec![0; 8 * place.own * set.len()];
            let numbers = bytes.as_chunks_mut::<8>().0.iter_mut();
            numbers.zip(column.all()).for_each(|(out, x)| *out = x.to_be_bytes());
            Ok((place.begin + point * place.own as u64 * Type::Double.size(), bytes))
        };
        self.places.iter().map(patch).collect()
    }
}

/// Where the columns of a schema stand in a file.
fn places(schema: &Schema, arrays: &[Array], header: &Header) -> Vec<Place> {
    let place = |(array, variable): (&Array, &Variable)| {
        let Content::Column(column) = array.content else { return None };
        let own = match schema.columns().get(column)?.over {
            Over::Points => 1,
            Over::Marks => schema.marks().len(),
            Over::Samples(trace) => schema.traces().get(trace)?.samples,
        };
        Some(Place { column, begin: variable.begin, own })
    };
    arrays.iter().zip(&header.variables).filter_map(place).collect()
}

impl Dataset {
    /// A file that was written before.
    ///
    /// # Errors
    /// When it is none of a sweep.
    pub fn read(bytes: &[u8]) -> Result<Dataset, String> {
        let header = Header::read(bytes)?;
        let status = header.variable(STATUS).ok_or("it contains no sweep")?;
        let grid = &status.dimensions;
        let of_grid = |v: &Variable| v.kind == Type::Char || v.dimensions.starts_with(grid) || v.dimensions.len() == 1;
        if status.kind != Type::Short || grid.is_empty() || !header.variables.iter().all(of_grid) {
            return Err("it contains no sweep".into());
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

    /// The statuses of neighbouring points, the first of which is `point`: 0, or the number of an error.
    pub fn statuses(&self, point: u64, statuses: &[i16]) -> Patch {
        (self.status_begin() + point * Type::Short.size(), statuses.iter().flat_map(|x| x.to_be_bytes()).collect())
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
