//! Structure of a result set without its values: columns, marks, traces, units.

use super::units::{EnergyUnit, Unit, Units};
use crate::emulator::{BatchRun, Run, SweepAxis};
use crate::hamiltonian::Values;
use crate::ir::{Experiment, Param};
use crate::metrics::{Metric, Quantity};
use crate::syntax::{Expr, ExprKind};
use crate::units::UnitSystem;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Range of a column, in addition to the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// One value per point.
    Points,
    /// One value per mark.
    Marks,
    /// One value per sample of the trace with this index.
    Samples(usize),
}

/// Kind of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// A swept parameter.
    Swept,
    /// A parameter whose default depends on swept ones.
    Dependent,
    /// A parameter that is equal at all points.
    Fixed,
    /// Times: of marks since `prepare`, of samples since the start of their statement.
    Time,
    /// Time from `prepare` to the start of a trace.
    Start,
    /// A result requested by `measure` or `theory`.
    Measured,
}

/// A column: name, kind of values, and unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// Unique name: `tau`, `xi_max`, `ergotropy`, `mark_time`, `charging.ergotropy`. Metrics at marks are named by their key, or
    /// `KEY_at_marks` if a named scalar has that name.
    pub name: String,
    /// Key in `measure`, or name of the parameter; otherwise `time` or `start`.
    pub key: String,
    /// Kind of the values.
    pub holds: Holds,
    /// Range of the column.
    pub over: Over,
    /// Unit; empty for dimensionless numbers.
    pub unit: String,
    /// Physical quantity, if it is a metric.
    pub quantity: Option<Quantity>,
    /// Expression in `measure`.
    pub expression: Option<String>,
    /// Formula, if it is a metric.
    pub formula: Option<&'static str>,
    /// Size of the unit in SI or natural units.
    size: f64,
}

impl Column {
    /// True for results, false for parameters and times.
    pub fn is_measured(&self) -> bool {
        self.holds == Holds::Measured
    }

    /// True for parameters.
    pub fn is_parameter(&self) -> bool {
        matches!(self.holds, Holds::Swept | Holds::Dependent | Holds::Fixed)
    }

    /// Converts a value from SI or natural units to the unit of the column.
    pub fn convert(&self, x: f64) -> f64 {
        x / self.size
    }

    fn plain(key: &str, holds: Holds, over: Over, unit: String) -> Column {
        let (name, key) = (key.to_string(), key.to_string());
        Column { name, key, holds, over, unit, quantity: None, expression: None, formula: None, size: 1.0 }
    }

    fn called(self, name: String) -> Column {
        Column { name, ..self }
    }
}

/// A recorded trace or a free induction decay.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TraceAxis {
    /// Name.
    pub name: String,
    /// Number of samples at the point from which the schema was created.
    pub samples: usize,
    /// Its columns: start, times, values.
    columns: Range<usize>,
}

/// Results available at a point, which are known only after emulation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Keys of named scalars.
    pub summary: Vec<String>,
    /// Names of marks.
    pub marks: Vec<String>,
    /// Keys of metrics at marks.
    pub at_marks: Vec<String>,
    /// (name, number of samples, keys) of every trace.
    pub traces: Vec<(String, usize, Vec<String>)>,
}

fn keys<T>(values: &[(String, T)]) -> Vec<String> {
    values.iter().map(|(key, _)| key.clone()).collect()
}

impl Shape {
    pub fn of(run: &Run) -> Shape {
        Shape {
            summary: keys(&run.summary),
            marks: run.marks.iter().map(|m| m.name.clone()).collect(),
            at_marks: run.marks.first().map_or(vec![], |m| keys(&m.values)),
            traces: run.traces.iter().map(|t| (t.name.clone(), t.time.len(), keys(&t.values))).collect(),
        }
    }

    /// Results of a batch of points.
    pub fn of_batch(batch: &BatchRun) -> Shape {
        let keys = batch.keys().to_vec();
        Shape {
            summary: batch.summary().map(|(key, _)| key.to_string()).collect(),
            marks: batch.marks().iter().map(|m| m.name.clone()).collect(),
            traces: batch.traces().iter().map(|t| (t.name.clone(), t.times(0).len(), keys.clone())).collect(),
            at_marks: keys,
        }
    }

    /// True if a run has these results; numbers of samples may differ.
    pub fn fits(&self, run: &Run) -> bool {
        fn same<T>(keys: &[String], values: &[(String, T)]) -> bool {
            keys.len() == values.len() && keys.iter().zip(values).all(|(key, (other, _))| key == other)
        }
        let traces = || self.traces.iter().zip(&run.traces);
        same(&self.summary, &run.summary)
            && self.marks.iter().eq(run.marks.iter().map(|m| &m.name))
            && run.marks.iter().all(|m| same(&self.at_marks, &m.values))
            && self.traces.len() == run.traces.len()
            && traces().all(|((name, _, keys), t)| *name == t.name && same(keys, &t.values))
    }

    /// True if both have the same results; numbers of samples may differ.
    pub fn is_like(&self, other: &Shape) -> bool {
        let without_samples = |shape: &Shape| {
            let mut shape = shape.clone();
            shape.traces.iter_mut().for_each(|(_, samples, _)| *samples = 0);
            shape
        };
        without_samples(self) == without_samples(other)
    }
}

/// Structure of a result set without its values. It is created from an experiment, and completed with the first point computed
/// successfully: named scalars, marks, traces and their lengths.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Schema {
    /// Title of the experiment.
    pub title: String,
    /// File name as given by the user.
    pub file: String,
    /// SI or natural units.
    pub system: UnitSystem,
    /// Unit of energies.
    pub energy: Unit,
    /// Unit of times.
    pub time: Unit,
    /// The sweeps, last index fastest; empty for a single point.
    pub axes: Vec<SweepAxis>,
    measured: Vec<Column>,
    columns: Vec<Column>,
    marks: Vec<String>,
    traces: Vec<TraceAxis>,
    /// End of the parameter columns, and end of the named scalars that follow.
    ends: (usize, usize),
    /// Values of all parameters at the point that completed the schema.
    parameters: Vec<f64>,
    shape: Option<Shape>,
}

impl Schema {
    /// Schema of an experiment that sweeps `axes` and has `given` values instead of defaults. Until completed with the results of a
    /// point it has only the parameter columns.
    pub fn new(experiment: &Experiment, file: &str, axes: &[SweepAxis], given: &Values, energy: EnergyUnit) -> Schema {
        let units = Units::new(experiment, energy);
        let measured = experiment.measures.iter().map(|m| {
            let (quantity, unit) = units.measured(&m.key);
            let over = if m.summary { Over::Points } else { Over::Marks };
            let plain = Column::plain(&m.key, Holds::Measured, over, unit.name.to_string());
            Column {
                quantity,
                expression: Some(m.value.to_string()),
                formula: formula(&m.key),
                size: unit.size,
                ..plain
            }
        });
        let varied = varied(experiment, axes, given);
        let parameter = |(name, unit): (&str, String)| {
            let swept = axes.iter().any(|a| a.names.iter().any(|n| n == name));
            let holds = match (swept, varied.contains(&name)) {
                (true, _) => Holds::Swept,
                (false, true) => Holds::Dependent,
                (false, false) => Holds::Fixed,
            };
            Column::plain(name, holds, Over::Points, unit)
        };
        let columns: Vec<Column> = units.parameters().into_iter().map(parameter).collect();
        Schema {
            title: experiment.title.clone(),
            file: file.to_string(),
            system: experiment.units,
            energy: units.of(Quantity::Energy),
            time: units.of(Quantity::Time),
            axes: axes.to_vec(),
            measured: measured.collect(),
            ends: (columns.len(), columns.len()),
            columns,
            marks: vec![],
            traces: vec![],
            parameters: vec![],
            shape: None,
        }
    }

    /// Completes the schema with the columns of a run.
    pub fn of_run(self, run: &Run) -> Schema {
        let parameters = run.params.iter().map(|(_, x)| *x).collect();
        self.completed(Shape::of(run), parameters)
    }

    /// Completes the schema with the columns of a shape. `parameters` are the parameter values at its point.
    pub(super) fn completed(mut self, shape: Shape, parameters: Vec<f64>) -> Schema {
        let time = self.time.name.to_string();
        let summary: Vec<Column> = shape.summary.iter().map(|key| self.result(key, Over::Points)).collect();
        self.ends.1 = self.ends.0 + summary.len();
        self.columns.extend(summary);
        self.columns.push(Column::plain("time", Holds::Time, Over::Marks, time.clone()).called("mark_time".into()));
        for key in &shape.at_marks {
            let name = if shape.summary.contains(key) { format!("{key}_at_marks") } else { key.clone() };
            self.columns.push(self.result(key, Over::Marks).called(name));
        }
        for (k, (name, samples, keys)) in shape.traces.iter().enumerate() {
            let first = self.columns.len();
            let times = [("start", Holds::Start, Over::Points), ("time", Holds::Time, Over::Samples(k))];
            for (key, holds, over) in times {
                self.columns.push(Column::plain(key, holds, over, time.clone()).called(format!("{name}.{key}")));
            }
            for key in keys {
                self.columns.push(self.result(key, Over::Samples(k)).called(format!("{name}.{key}")));
            }
            let columns = first..self.columns.len();
            self.traces.push(TraceAxis { name: name.clone(), samples: *samples, columns });
        }
        self.marks.clone_from(&shape.marks);
        self.parameters = parameters;
        self.shape = Some(shape);
        self
    }

    /// Column for a key of `measure`, or for a curve requested only by `theory`.
    fn result(&self, key: &str, over: Over) -> Column {
        let known = self.measured.iter().find(|c| c.key == key);
        let plain = || Column { formula: formula(key), ..Column::plain(key, Holds::Measured, over, String::new()) };
        known.map_or_else(plain, |column| Column { over, ..column.clone() })
    }

    /// Results available at the points, once known.
    pub(super) fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }

    /// All columns: parameters, named scalars, times of marks, metrics at marks, and for each trace its start, times and values.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Columns requested in `measure`, in order.
    pub fn measured(&self) -> &[Column] {
        &self.measured
    }

    /// Names of the marks in order; the last is `end`.
    pub fn marks(&self) -> &[String] {
        &self.marks
    }

    /// The traces, in order.
    pub fn traces(&self) -> &[TraceAxis] {
        &self.traces
    }

    /// Title, or the file name if there is none.
    pub fn heading(&self) -> &str {
        if self.title.is_empty() { &self.file } else { &self.title }
    }

    /// Names of the swept parameters.
    pub fn swept(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().flat_map(|axis| &axis.names).map(String::as_str)
    }

    /// Looks up a column by name, with its index.
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().find(|(_, c)| c.name == name)
    }

    /// Looks up a parameter by name, with its column index.
    pub fn parameter(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().take(self.ends.0).find(|(_, c)| c.name == name)
    }

    /// Parameters that are equal at all points, with their values.
    pub fn fixed(&self) -> impl Iterator<Item = (&Column, f64)> {
        self.columns.iter().zip(self.parameters.iter().copied()).filter(|(c, _)| c.holds == Holds::Fixed)
    }

    /// Values of all parameters at the point that completed the schema.
    pub(super) fn values_of_parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// Indices of the parameter columns.
    pub(super) fn parameters(&self) -> Range<usize> {
        0..self.ends.0
    }

    /// Indices of the columns of named scalars.
    pub(super) fn summary(&self) -> Range<usize> {
        self.ends.0..self.ends.1
    }

    /// Indices of the columns over the marks, the times first.
    pub(super) fn at_marks(&self) -> Range<usize> {
        let end = self.traces.first().map_or(self.columns.len(), |t| t.columns.start);
        self.ends.1..end
    }

    /// Indices of the columns of a trace: start, times, values.
    pub(super) fn of_trace(&self, trace: usize) -> Range<usize> {
        self.traces.get(trace).map_or(0..0, |t| t.columns.clone())
    }
}

/// Formula of a metric; `None` for other expressions.
fn formula(key: &str) -> Option<&'static str> {
    Metric::named(key.split('(').next().unwrap_or(key)).map(|metric| metric.formula)
}

/// Parameters that differ between points: swept ones, and those whose defaults depend on them.
fn varied<'a>(experiment: &'a Experiment, axes: &[SweepAxis], given: &Values) -> Vec<&'a str> {
    let swept = |name: &str| axes.iter().any(|a| a.names.iter().any(|n| n == name));
    let mut out: Vec<&str> = experiment.params.iter().map(|p| p.name.as_str()).filter(|name| swept(name)).collect();
    // A default may refer to parameters declared later, so iterate until no more are found.
    loop {
        let names_one = |x: &Expr| matches!(&x.kind, ExprKind::Name(name) if out.contains(&name.as_str()));
        let depends = |p: &&Param| {
            let mut found = false;
            p.default.walk(&mut |x| found |= names_one(x));
            found && !given.contains_key(&p.name) && !out.contains(&p.name.as_str())
        };
        match experiment.params.iter().find(depends) {
            Some(param) => out.push(&param.name),
            None => return out,
        }
    }
}
