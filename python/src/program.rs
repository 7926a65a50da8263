//! Programs and their runs.

use crate::convert::{described, guarded, refused, work};
use crate::files;
use crate::results::Results;
use ergoseq::Compiled;
use ergoseq::diagnostic::{Code, Diagnostic};
use ergoseq::emulator::{Emulator, METHODS, Options, SweepAxis, Typical, axes};
use ergoseq::hamiltonian::{Evaluator, Values, build};
use ergoseq::metrics::Quantity;
use ergoseq::output::{Kind, Picture, chart, dataset};
use ergoseq::report::DRAWINGS;
use ergoseq::results::{EnergyUnit, ResultSet, Schema, Units};
use ergoseq::source::Sources;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Words of what can be drawn beside results.
pub fn drawings() -> Vec<(&'static str, &'static str)> {
    DRAWINGS.iter().map(|(word, meaning, _)| (*word, *meaning)).collect()
}

/// An axis of a sweep: the parameters that move together, and the values of each.
type Axis = (Vec<String>, Vec<Vec<f64>>);

/// The same as a user gives it: numbers, or texts such as "3.3 us".
type TextAxis<'py> = (Vec<String>, Vec<Vec<Bound<'py, PyAny>>>);

/// A program that was read and checked.
#[pyclass(frozen, module = "ergoseq._core")]
pub struct Program {
    compiled: Arc<Compiled>,
    name: String,
    files: Vec<UsedFile>,
}

/// A file that a program reads by `use` or `shape`: the path as written, the file it is written in, the name that messages show,
/// and the text.
type UsedFile = (String, String, String, String);

impl Program {
    /// The values of parameters: numbers in SI or natural units, or texts as in a file.
    fn values(&self, py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<Values> {
        let mut sources = self.compiled.sources.clone();
        let mut values = Values::new();
        for (name, value) in given {
            let name: String = name.extract()?;
            let x = if let Ok(text) = value.extract::<String>() {
                let file = sources.add(name.clone(), text.clone());
                let found = guarded(|| Ok(ergoseq::setting(&self.compiled.experiment, &name, &text, file)))?;
                found.map_err(|d| refused(py, &[*d], &sources))?
            } else if let Ok(x) = value.extract::<f64>() {
                self.known(py, &name)?;
                x
            } else {
                return Err(PyTypeError::new_err(format!("`{name}` must be a number or a text such as \"3.3 us\"")));
            };
            values.insert(name, x);
        }
        Ok(values)
    }

    fn known(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        let params = &self.compiled.experiment.params;
        if params.iter().any(|p| p.name == name) {
            return Ok(());
        }
        let names = params.iter().map(|p| p.name.as_str());
        let unknown = Diagnostic::without_place(Code::UnknownName, format!("the file declares no parameter `{name}`"))
            .did_you_mean(name, names);
        Err(refused(py, &[unknown], &Sources::default()))
    }

    fn units(&self) -> Units<'_> {
        Units::new(&self.compiled.experiment, EnergyUnit::Default)
    }

    /// What results over some axes hold, beside given values.
    fn schema(&self, axes: &[SweepAxis], given: &Values) -> Schema {
        Schema::new(&self.compiled.experiment, &self.name, axes, given, EnergyUnit::Default)
    }
}

/// How to emulate, from words.
fn options(
    method: &str,
    tolerance: f64,
    spectrometer: Option<String>,
    states: usize,
    typical: usize,
) -> PyResult<Options> {
    let Some((_, method, _)) = METHODS.iter().find(|(word, ..)| *word == method) else {
        let words: Vec<&str> = METHODS.iter().map(|(word, ..)| *word).collect();
        return Err(PyValueError::new_err(format!("unknown method `{method}`; methods are {}", words.join(", "))));
    };
    if !(tolerance > 0.0 && tolerance < 1.0) {
        return Err(PyValueError::new_err(format!("a tolerance must lie between 0 and 1, this is {tolerance}")));
    }
    let typical = (typical > 0).then_some(Typical { vectors: typical, seed: 0 });
    Ok(Options { method: *method, tolerance, spectrometer, states, typical, ..Options::default() })
}

#[pymethods]
impl Program {
    /// Reads and checks a text. `folder` is where files that it uses lie; `files` are their texts, where these were read before:
    /// then none is read again. Files may also lie in the folders `allowed`.
    #[staticmethod]
    #[pyo3(signature = (text, name, folder = None, files = None, allowed = None))]
    fn compile(
        py: Python<'_>,
        text: &str,
        name: &str,
        folder: Option<&str>,
        files: Option<Vec<UsedFile>>,
        allowed: Option<Vec<PathBuf>>,
    ) -> PyResult<Program> {
        let mut used: Vec<UsedFile> = Vec::new();
        let read_file = |wanted: &str, from: &str| -> Result<(String, String), String> {
            if let Some(files) = &files {
                let known = files.iter().find(|(path, within, ..)| path == wanted && within == from);
                let (.., shown, text) =
                    known.ok_or("it was not among the files of the program when the program was loaded")?;
                return Ok((shown.clone(), text.clone()));
            }
            let base = match (Path::new(from).parent(), folder) {
                (Some(parent), _) if from != name => parent.to_path_buf(),
                (_, Some(folder)) => folder.into(),
                _ => return Err("a program given as text has no folder; load it from a file, or set `folder`".into()),
            };
            let path = base.join(wanted);
            files::within(&path, Path::new(folder.unwrap_or(".")), allowed.as_deref().unwrap_or_default())?;
            Ok((path.display().to_string(), files::read(&path).map_err(|e| e.to_string())?))
        };
        let mut reader = |wanted: &str, from: &str| -> Result<(String, String), String> {
            let (shown, text) = read_file(wanted, from)?;
            used.push((wanted.to_string(), from.to_string(), shown.clone(), text.clone()));
            Ok((shown, text))
        };
        match guarded(|| Ok(ergoseq::compile(name, text, &mut reader)))? {
            Ok(compiled) => Ok(Program { compiled: Arc::new(compiled), name: name.to_string(), files: used }),
            Err(r) => Err(refused(py, &r.diagnostics, &r.sources)),
        }
    }

    /// The title.
    #[getter]
    fn title(&self) -> &str {
        &self.compiled.experiment.title
    }

    /// The program's text.
    #[getter]
    fn source(&self) -> String {
        self.compiled.sources.files().first().map_or(String::new(), |s| s.text.clone())
    }

    /// The files that it uses, as they were read: `compile` takes them.
    #[getter]
    fn files(&self) -> Vec<UsedFile> {
        self.files.clone()
    }

    /// What makes the results: names and texts of the program, of everything it uses, of the version and of the options, as the
    /// attributes of a file of `ergoseq sweep` have them.
    #[pyo3(signature = (method = "auto", tolerance = 1e-7, spectrometer = None, typical = 0))]
    fn origin(
        &self,
        method: &str,
        tolerance: f64,
        spectrometer: Option<String>,
        typical: usize,
    ) -> PyResult<Vec<(String, String)>> {
        let options = options(method, tolerance, spectrometer, 0, typical)?;
        Ok(dataset::origin(&self.compiled.experiment, &self.compiled.sources, &options))
    }

    /// The levels of every subsystem at some values, in the order of the file: their product is the dimension of a state.
    fn levels(&self, py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<Vec<usize>> {
        let values = self.values(py, given)?;
        let found = guarded(|| {
            Ok(Evaluator::new(&self.compiled.experiment, &values)
                .and_then(|e| build(&e).map(|(schedule, _)| schedule.basis.dimensions())))
        })?;
        found.map_err(|d| refused(py, &[*d], &self.compiled.sources))
    }

    /// Names, default values and units of the parameters.
    #[getter]
    fn params(&self, py: Python<'_>) -> PyResult<Vec<(String, f64, String)>> {
        let compiled = &self.compiled;
        let run = || {
            let e = Evaluator::new(&compiled.experiment, &Values::new())?;
            let all = self.units().parameters().into_iter();
            Ok(all.map(|(name, unit)| (name.to_string(), e.values[name], unit)).collect())
        };
        guarded(|| Ok(run()))?.map_err(|d: Box<Diagnostic>| refused(py, &[*d], &compiled.sources))
    }

    /// What `measure` lists: keys and units.
    #[getter]
    fn measures(&self) -> Vec<(String, String)> {
        let units = self.units();
        let unit = |key: &str| units.measured(key).1.name.to_string();
        self.compiled.experiment.measures.iter().map(|m| (m.key.clone(), unit(&m.key))).collect()
    }

    /// The unit of times.
    #[getter]
    fn time_unit(&self) -> &'static str {
        self.units().of(Quantity::Time).name
    }

    /// The sweeps of the file: names and values of each axis.
    #[pyo3(signature = (given))]
    fn axes(&self, py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<Vec<Axis>> {
        let values = self.values(py, given)?;
        let found = guarded(|| Ok(axes(&self.compiled.experiment, &values)))?;
        let found = found.map_err(|d| refused(py, &[*d], &self.compiled.sources))?;
        Ok(found.into_iter().map(|axis| (axis.names, axis.values)).collect())
    }

    /// Warnings of the text, and of the schedule at some values.
    #[pyo3(signature = (given, spectrometer = None))]
    fn check<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyDict>,
        spectrometer: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let values = self.values(py, given)?;
        let found = guarded(|| Ok(ergoseq::check_on(&self.compiled.experiment, &values, spectrometer)))?;
        let found = found.map_err(|d| refused(py, &[*d], &self.compiled.sources))?;
        let out = PyList::empty(py);
        for d in self.compiled.warnings.iter().chain(&found) {
            out.append(described(py, d, &self.compiled.sources)?)?;
        }
        Ok(out)
    }

    /// Runs at one point.
    #[pyo3(signature = (given, method = "auto", tolerance = 1e-7, spectrometer = None, states = 0, typical = 0))]
    #[allow(clippy::too_many_arguments)]
    fn run<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyDict>,
        method: &str,
        tolerance: f64,
        spectrometer: Option<String>,
        states: usize,
        typical: usize,
    ) -> PyResult<Results> {
        let values = self.values(py, given)?;
        let options = options(method, tolerance, spectrometer, states, typical)?;
        let (compiled, schema) = (self.compiled.clone(), self.schema(&[], &values));
        let set = work(py, move || {
            ergoseq::run(&compiled.experiment, &values, &options).and_then(|run| ResultSet::of(schema, [run]))
        })?;
        set.map(Results).map_err(|d| refused(py, &[*d], &self.compiled.sources))
    }

    /// Runs at many points: results, or the mistake of each, as bytes that `gathered` reads.
    #[pyo3(signature = (points, threads = None, method = "auto", tolerance = 1e-7, spectrometer = None, typical = 0))]
    #[allow(clippy::too_many_arguments)]
    fn run_many<'py>(
        &self,
        py: Python<'py>,
        points: Vec<Bound<'py, PyDict>>,
        threads: Option<usize>,
        method: &str,
        tolerance: f64,
        spectrometer: Option<String>,
        typical: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let points = points.iter().map(|p| self.values(py, p)).collect::<PyResult<Vec<_>>>()?;
        let options = options(method, tolerance, spectrometer, 0, typical)?;
        let compiled = self.compiled.clone();
        let mut set = ResultSet::new(Arc::new(self.schema(&[], &Values::new())));
        let bytes = work(py, move || {
            let emulator = Emulator::new(&compiled.experiment);
            let all = || emulator.run_all(&points, &options, &|_| {});
            let runs = match threads {
                None => all(),
                Some(n) => {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
                    pool.map_err(|e| format!("no threads: {e}"))?.install(all)
                }
            };
            for (point, run) in points.iter().zip(runs) {
                if let Err(d) = run.and_then(|run| set.push(run)) {
                    set.push_failed(point, d.code, d.message);
                }
            }
            set.to_bytes()
        })?;
        Ok(PyBytes::new(py, &bytes.map_err(PyValueError::new_err)?))
    }

    /// The values of swept parameters as numbers: SI or natural units.
    fn numbers(&self, py: Python<'_>, axes: Vec<TextAxis<'_>>) -> PyResult<Vec<Axis>> {
        let number = |name: &String, value: Bound<'_, PyAny>| {
            let given = PyDict::new(py);
            given.set_item(name, value)?;
            Ok(self.values(py, &given)?.get(name).copied().unwrap_or(f64::NAN))
        };
        let axis = |(names, columns): TextAxis<'_>| {
            let column = |(name, column): (&String, Vec<Bound<'_, PyAny>>)| {
                column.into_iter().map(|value| number(name, value)).collect::<PyResult<Vec<f64>>>()
            };
            let values = names.iter().zip(columns).map(column).collect::<PyResult<Vec<_>>>()?;
            Ok((names, values))
        };
        axes.into_iter().map(axis).collect()
    }

    /// The results of a sweep over axes, from the bytes of its parts in order.
    fn gathered(
        &self,
        py: Python<'_>,
        axes: Vec<Axis>,
        fixed: &Bound<'_, PyDict>,
        parts: Vec<PyBackedBytes>,
    ) -> PyResult<Results> {
        let axes: Vec<SweepAxis> = axes.into_iter().map(|(names, values)| SweepAxis { names, values }).collect();
        let schema = Arc::new(self.schema(&axes, &self.values(py, fixed)?));
        let mut set = ResultSet::new(schema.clone());
        for part in parts {
            let part = ResultSet::from_bytes(schema.clone(), &part).map_err(PyValueError::new_err)?;
            set.append(part).map_err(|d| refused(py, &[*d], &self.compiled.sources))?;
        }
        Ok(Results(set))
    }

    /// A picture of what is measured, or one of the drawings, as bytes.
    #[pyo3(signature = (given, kind = "svg", what = vec![]))]
    fn plot<'py>(
        &self,
        py: Python<'py>,
        given: &Bound<'py, PyDict>,
        kind: &str,
        what: Vec<String>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let values = self.values(py, given)?;
        let kind = Kind::of(kind).ok_or_else(|| PyValueError::new_err(format!("`{kind}` is not a picture format")))?;
        let (compiled, name) = (self.compiled.clone(), self.name.clone());
        let drawn = work(py, move || -> Result<Result<Vec<u8>, String>, Box<Diagnostic>> {
            let experiment = &compiled.experiment;
            if let [word] = what.as_slice()
                && let Some((_, meaning, draw)) = DRAWINGS.iter().find(|(w, ..)| w == word)
                && !experiment.measures.iter().any(|m| m.key == *word)
            {
                return Ok(match draw(experiment, &values, &Options::default())? {
                    Some(drawing) => (kind.bytes)(Picture::Drawing(&drawing)),
                    None => Err(format!("there is nothing to draw, or too much to be legible: {meaning}")),
                });
            }
            let swept = axes(experiment, &values)?;
            let points: Vec<Values> = ergoseq::emulator::points(&swept, &values).collect();
            let runs = Emulator::new(experiment).run_all(&points, &Options::default(), &|_| {});
            let schema = Schema::new(experiment, &name, &swept, &values, EnergyUnit::Default);
            let results = ResultSet::of(schema, runs.into_iter().collect::<Result<Vec<_>, _>>()?)?;
            Ok(chart(&results, experiment, &what).and_then(|figure| (kind.bytes)(Picture::Figure(&figure))))
        })?;
        let bytes = drawn.map_err(|d| refused(py, &[*d], &self.compiled.sources))?.map_err(PyValueError::new_err)?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The page that shows everything, as HTML.
    #[pyo3(signature = (given))]
    fn report(&self, py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<String> {
        let values = self.values(py, given)?;
        let (compiled, name) = (self.compiled.clone(), self.name.clone());
        let page = work(py, move || ergoseq::report::page(&compiled, &values, &Options::default(), &name))?;
        page.map_err(|d| refused(py, &[*d], &self.compiled.sources))
    }
}
