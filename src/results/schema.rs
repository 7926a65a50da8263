//! What a result set holds, without its values: columns, marks, traces, units.

use super::units::{EnergyUnit, Unit, Units};
use crate::emulator::{Run, SweepAxis};
use crate::hamiltonian::Values;
use crate::ir::{Experiment, Param};
use crate::metrics::{Metric, Quantity};
use crate::syntax::{Expr, ExprKind};
use crate::units::UnitSystem;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What a column runs over, besides the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// Nothing else: one value a point.
    Points,
    /// The marks.
    Marks,
    /// The samples of the trace of this number.
    Samples(usize),
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holds {
    /// A parameter that is swept.
    Swept,
    /// A parameter whose default is computed from swept ones.
    Dependent,
    /// A parameter that is the same at all points.
    Fixed,
    /// Times: of marks since `prepare`, of samples since their statement began.
    Time,
    /// The time since `prepare` at which a trace begins.
    Start,
    /// What `measure` or `theory` asks for.
    Measured,
}

/// A column: what it is called, what its values are, and their unit.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Column {
    /// The name, which no other column has: `tau`, `xi_max`, `ergotropy`, `mark_time`, `charging.ergotropy`. Metrics at marks are called
    /// by their key, or `KEY_at_marks` where a named scalar has that name.
    pub name: String,
    /// The key in `measure`, or the name of the parameter; `time` and `start` else.
    pub key: String,
    /// What the values are.
    pub holds: Holds,
    /// What they run over.
    pub over: Over,
    /// The unit; empty for plain numbers.
    pub unit: String,
    /// The quantity of what is measured, where it is that of a metric.
    pub quantity: Option<Quantity>,
    /// The expression of `measure`.
    pub expression: Option<String>,
    /// The formula of the metric, where it is one.
    pub formula: Option<&'static str>,
    /// How many SI or natural units the unit has.
    size: f64,
}

impl Column {
    /// Whether it is a result, and no parameter or time.
    pub fn is_measured(&self) -> bool {
        self.holds == Holds::Measured
    }

    /// Whether it is a parameter.
    pub fn is_parameter(&self) -> bool {
        matches!(self.holds, Holds::Swept | Holds::Dependent | Holds::Fixed)
    }

    /// A value of SI or natural units in the unit of the column.
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
    /// Its name.
    pub name: String,
    /// How many samples it has at the point from which the schema was made.
    pub samples: usize,
    /// Its columns: start, times, values.
    columns: Range<usize>,
}

/// Which results a point has: what no experiment tells before it is emulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Keys of named scalars.
    pub summary: Vec<String>,
    /// Names of marks.
    pub marks: Vec<String>,
    /// Keys of metrics at marks.
    pub at_marks: Vec<String>,
    /// Names, numbers of samples and keys of traces.
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

    /// Whether a run has these results; numbers of samples may differ.
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

    /// Whether the other has the same results; numbers of samples may differ.
    pub fn is_like(&self, other: &Shape) -> bool {
        let without_samples = |shape: &Shape| {
            let mut shape = shape.clone();
            shape.traces.iter_mut().for_each(|(_, samples, _)| *samples = 0);
            shape
        };
        without_samples(self) == without_samples(other)
    }
}

/// What a result set holds, without its values. It is made from an experiment, and completed by the results of the first point that
/// could be computed: named scalars, marks, traces and the lengths of these.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Schema {
    /// The title of the experiment.
    pub title: String,
    /// The file's name as the user gave it.
    pub file: String,
    /// SI or natural units.
    pub system: UnitSystem,
    /// The unit of energies.
    pub energy: Unit,
    /// The unit of times.
    pub time: Unit,
    /// The sweeps, the last running fastest; none for a single point.
    pub axes: Vec<SweepAxis>,
    measured: Vec<Column>,
    columns: Vec<Column>,
    marks: Vec<String>,
    traces: Vec<TraceAxis>,
    /// Where the parameters end, and named scalars after them.
    ends: (usize, usize),
    /// The values of all parameters at the point that completed it.
    parameters: Vec<f64>,
    shape: Option<Shape>,
}

impl Schema {
    /// The schema of an experiment that sweeps `axes` and has `given` values instead of defaults. Before the results of a point are known
    /// it has the columns of the parameters alone.
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

    /// The same, complete: with the columns of a run.
    pub fn of_run(self, run: &Run) -> Schema {
        let parameters = run.params.iter().map(|(_, x)| *x).collect();
        self.completed(Shape::of(run), parameters)
    }

    /// With the columns of a shape. `parameters` are the values at its point.
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

    /// A column of a key of `measure`, or of a curve that only `theory` asks for.
    fn result(&self, key: &str, over: Over) -> Column {
        let known = self.measured.iter().find(|c| c.key == key);
        let plain = || Column { formula: formula(key), ..Column::plain(key, Holds::Measured, over, String::new()) };
        known.map_or_else(plain, |column| Column { over, ..column.clone() })
    }

    /// Which results the points have, where that is known.
    pub(super) fn shape(&self) -> Option<&Shape> {
        self.shape.as_ref()
    }

    /// All columns: parameters, named scalars, times of marks, metrics at marks, and trace by trace its start, its times, its values.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What `measure` lists, in its order.
    pub fn measured(&self) -> &[Column] {
        &self.measured
    }

    /// The names of the marks in order; the last is `end`.
    pub fn marks(&self) -> &[String] {
        &self.marks
    }

    /// The traces in order.
    pub fn traces(&self) -> &[TraceAxis] {
        &self.traces
    }

    /// The title, or the file's name where there is none.
    pub fn heading(&self) -> &str {
        if self.title.is_empty() { &self.file } else { &self.title }
    }

    /// The names of the swept parameters.
    pub fn swept(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().flat_map(|axis| &axis.names).map(String::as_str)
    }

    /// The column of a name with its number.
    pub fn column(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().find(|(_, c)| c.name == name)
    }

    /// A parameter by name.
    pub fn parameter(&self, name: &str) -> Option<(usize, &Column)> {
        self.columns.iter().enumerate().take(self.ends.0).find(|(_, c)| c.name == name)
    }

    /// Parameters that are the same at all points, with their values.
    pub fn fixed(&self) -> impl Iterator<Item = (&Column, f64)> {
        self.columns.iter().zip(self.parameters.iter().copied()).filter(|(c, _)| c.holds == Holds::Fixed)
    }

    /// The values of all parameters at the point that completed the schema.
    pub(super) fn values_of_parameters(&self) -> &[f64] {
        &self.parameters
    }

    /// The numbers of the columns of the parameters.
    pub(super) fn parameters(&self) -> Range<usize> {
        0..self.ends.0
    }

    /// The numbers of the columns of named scalars.
    pub(super) fn summary(&self) -> Range<usize> {
        self.ends.0..self.ends.1
    }

    /// The numbers of the columns over the marks, the times first.
    pub(super) fn at_marks(&self) -> Range<usize> {
        let end = self.traces.first().map_or(self.columns.len(), |t| t.columns.start);
        self.ends.1..end
    }

    /// The numbers of the columns of a trace: start, times, values.
    pub(super) fn of_trace(&self, trace: usize) -> Range<usize> {
        self.traces.get(trace).map_or(0..0, |t| t.columns.clone())
    }
}

/// The formula of a metric; none for other expressions.
fn formula(key: &str) -> Option<&'static str> {
    Metric::named(key.split('(').next().unwrap_or(key)).map(|metric| metric.formula)
}

/// The parameters that differ between points: those that are swept, and those whose defaults are computed from these.
fn varied<'a>(experiment: &'a Experiment, axes: &[SweepAxis], given: &Values) -> Vec<&'a str> {
    let swept = |name: &str| axes.iter().any(|a| a.names.iter().any(|n| n == name));
    let mut out: Vec<&str> = experiment.params.iter().map(|p| p.name.as_str()).filter(|name| swept(name)).collect();
    // A default may name parameters that are declared after it, so this goes on until no more are found.
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
