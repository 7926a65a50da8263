//! Values of a result set, column by column.

use super::schema::{Over, Schema, Shape};
use super::units::Unit;
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{BatchRun, MarkColumns, Readings, Run, RunInfo};
use crate::hamiltonian::{self, Fault};
use crate::lanes::Lane;
use crate::linalg::Matrix;
use crate::tomography::{Energies, Quantity};
use std::iter::{once, repeat_n};
use std::sync::Arc;

/// Status of a point.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// Computed successfully.
    Computed,
    /// Failed, with the error.
    Failed {
        /// Error code.
        code: Code,
        /// Error message.
        message: String,
    },
}

/// Data of a point other than numbers.
#[derive(Debug, Clone)]
pub(super) struct About {
    pub status: Status,
    pub notes: Vec<String>,
    pub how: RunInfo,
    pub tomographies: Vec<Readings>,
    /// States at the marks, if requested.
    pub states: Vec<Option<Matrix>>,
}

/// Results at a set of points: see the [module](super).
#[derive(Debug, Clone)]
pub struct ResultSet {
    pub(super) schema: Arc<Schema>,
    /// Values by column.
    pub(super) data: Vec<Vec<f64>>,
    /// By trace and point: end index of its samples in the columns of the trace.
    pub(super) sample_ends: Vec<Vec<usize>>,
    pub(super) points: Vec<About>,
}

impl ResultSet {
    /// An empty result set.
    pub fn new(schema: Arc<Schema>) -> ResultSet {
        let data = vec![vec![]; schema.columns().len()];
        let sample_ends = vec![vec![]; schema.traces().len()];
        ResultSet { schema, data, sample_ends, points: vec![] }
    }

    /// Results of all points, in row-major order of the sweeps.
    ///
    /// # Errors
    /// When the results of a point differ in kind from those of the first.
    pub fn of(schema: Schema, runs: impl IntoIterator<Item = Run>) -> Result<ResultSet, Fault> {
        let mut set = ResultSet::new(Arc::new(schema));
        runs.into_iter().try_for_each(|run| set.push(run))?;
        Ok(set)
    }

    /// The schema.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// True if there are no points.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Removes the points and keeps the schema.
    pub fn clear(&mut self) {
        self.data.iter_mut().for_each(Vec::clear);
        self.sample_ends.iter_mut().for_each(Vec::clear);
        self.points.clear();
    }

    /// Values of a column at a point.
    pub(super) fn slice(&self, column: usize, point: usize) -> &[f64] {
        let place = match self.schema.columns().get(column).map(|c| c.over) {
            Some(Over::Points) => point..point + 1,
            Some(Over::Marks) => {
                let marks = self.schema.marks().len();
                point * marks..(point + 1) * marks
            }
            Some(Over::Samples(trace)) => {
                let ends = self.sample_ends.get(trace).map_or(&[][..], Vec::as_slice);
                let end = |k: usize| ends.get(k).copied().unwrap_or(0);
                point.checked_sub(1).map_or(0, end)..end(point)
            }
            None => 0..0,
        };
        self.data.get(column).and_then(|data| data.get(place)).unwrap_or(&[])
    }

    /// Adds the results of a point; the first one completes the schema.
    ///
    /// # Errors
    /// When they do not match the schema.
    pub fn push(&mut self, run: Run) -> Result<(), Fault> {
        let parameters = self.schema.columns().iter().take(self.schema.parameters().len());
        if !parameters.map(|c| &c.name).eq(run.params.iter().map(|(name, _)| name)) {
            return Err(other_results());
        }
        match self.schema.shape() {
            None => self.complete(Shape::of(&run), run.params.iter().map(|(_, x)| *x).collect()),
            Some(shape) if !shape.fits(&run) => return Err(other_results()),
            Some(_) => {}
        }
        self.take_values(&run);
        let energy = self.schema.energy;
        let readings = run.tomographies.into_iter();
        self.points.push(About {
            status: Status::Computed,
            notes: run.notes,
            how: run.how,
            tomographies: readings
                .map(|r| Readings { energies: r.energies.map(|e| in_unit(e, energy)), ..r })
                .collect(),
            states: run.marks.into_iter().map(|m| m.state).collect(),
        });
        Ok(())
    }

    /// Adds the results of a batch of points; the first one completes the schema.
    ///
    /// # Errors
    /// When they do not match the schema.
    pub fn push_batch(&mut self, batch: &BatchRun) -> Result<(), Fault> {
        let parameters = self.schema.columns().iter().take(self.schema.parameters().len());
        if !parameters.map(|c| c.name.as_str()).eq(batch.params().map(|(name, _)| name)) {
            return Err(other_results());
        }
        let own = Shape::of_batch(batch);
        match self.schema.shape() {
            None => self.complete(own, batch.params().map(|(_, x)| first(&x)).collect()),
            Some(shape) if !shape.is_like(&own) => return Err(other_results()),
            Some(_) => {}
        }
        self.take_columns(batch);
        let states = vec![None; batch.marks().len()];
        self.points.extend((0..batch.len()).map(|lane| About {
            status: Status::Computed,
            notes: vec![],
            how: batch.how(lane),
            tomographies: vec![],
            states: states.clone(),
        }));
        Ok(())
    }

    /// Adds a failed point, with the known values of its parameters.
    pub fn push_failed(&mut self, given: &hamiltonian::Values, code: Code, message: String) {
        let marks = self.schema.marks().len();
        for (column, data) in self.schema.columns().iter().zip(&mut self.data) {
            match column.over {
                Over::Points if column.is_parameter() => {
                    data.push(given.get(&column.name).copied().unwrap_or(f64::NAN))
                }
                Over::Points => data.push(f64::NAN),
                Over::Marks => data.extend(repeat_n(f64::NAN, marks)),
                Over::Samples(_) => {}
            }
        }
        self.sample_ends.iter_mut().for_each(|ends| ends.push(ends.last().copied().unwrap_or(0)));
        let (how, status) = (RunInfo::default(), Status::Failed { code, message });
        self.points.push(About { status, notes: vec![], how, tomographies: vec![], states: vec![] });
    }

    /// Appends the points of another result set of the same experiment.
    ///
    /// # Errors
    /// When the other result set has a different schema.
    pub fn append(&mut self, mut other: ResultSet) -> Result<(), Fault> {
        let parameters = |schema: &Schema| schema.values_of_parameters().to_vec();
        match (self.schema.shape(), other.schema.shape()) {
            (None, Some(shape)) => self.complete(shape.clone(), parameters(&other.schema)),
            (Some(shape), None) => other.complete(shape.clone(), parameters(&self.schema)),
            (Some(one), Some(two)) if !one.is_like(two) => return Err(other_results()),
            _ => {}
        }
        let names = |set: &ResultSet| set.schema.columns().iter().map(|c| c.name.clone()).collect::<Vec<_>>();
        if names(self) != names(&other) {
            return Err(other_results());
        }
        for (ends, more) in self.sample_ends.iter_mut().zip(other.sample_ends) {
            let before = ends.last().copied().unwrap_or(0);
            ends.extend(more.into_iter().map(|end| before + end));
        }
        for (data, more) in self.data.iter_mut().zip(other.data) {
            data.extend(more);
        }
        self.points.extend(other.points);
        Ok(())
    }

    /// Completes the schema; all points so far have failed.
    pub(super) fn complete(&mut self, shape: Shape, parameters: Vec<f64>) {
        let schema = Arc::unwrap_or_clone(self.schema.clone()).completed(shape, parameters);
        let failed = self.len();
        let missing = |over: Over| match over {
            Over::Points => vec![f64::NAN; failed],
            Over::Marks => vec![f64::NAN; failed * schema.marks().len()],
            Over::Samples(_) => vec![],
        };
        let known = self.data.len();
        self.data.extend(schema.columns().iter().skip(known).map(|column| missing(column.over)));
        self.sample_ends = vec![vec![0; failed]; schema.traces().len()];
        self.schema = Arc::new(schema);
    }

    /// Appends the numbers of a batch, in the order of the columns.
    fn take_columns(&mut self, batch: &BatchRun) {
        let count = batch.len();
        let mut columns = self.schema.columns().iter().zip(&mut self.data);
        let mut put = |values: &mut dyn Iterator<Item = f64>| {
            if let Some((column, data)) = columns.next() {
                data.extend(values.map(|x| column.convert(x)));
            }
        };
        let lanes = |x: &Lane| x.0.into_iter().take(count);
        batch.params().for_each(|(_, x)| put(&mut lanes(&x)));
        batch.summary().for_each(|(_, x)| put(&mut lanes(x)));
        let mut of_marks = |value: &dyn Fn(&MarkColumns) -> Option<&Lane>| {
            let at = |lane: usize| batch.marks().iter().filter_map(move |m| value(m)?.0.get(lane).copied());
            put(&mut (0..count).flat_map(at));
        };
        of_marks(&|m| Some(&m.time));
        (0..batch.keys().len()).for_each(|k| of_marks(&|m| m.values.get(k)));
        for trace in batch.traces() {
            put(&mut lanes(&trace.start));
            put(&mut (0..count).flat_map(|lane| trace.times(lane).iter().copied()));
            for curve in &trace.values {
                let at = |lane: usize| curve.iter().filter_map(move |x| x.0.get(lane).copied());
                put(&mut (0..count).flat_map(at));
            }
        }
        for (ends, trace) in self.sample_ends.iter_mut().zip(batch.traces()) {
            let before = ends.last().copied().unwrap_or(0);
            let end = |sum: &mut usize, lane: usize| {
                *sum += trace.times(lane).len();
                Some(*sum)
            };
            ends.extend((0..count).scan(before, end));
        }
    }

    /// Appends the numbers of a run, in the order of the columns.
    fn take_values(&mut self, run: &Run) {
        let mut columns = self.schema.columns().iter().zip(&mut self.data);
        let mut put = |values: &mut dyn Iterator<Item = Option<f64>>| {
            if let Some((column, data)) = columns.next() {
                data.extend(values.map(|x| x.map_or(f64::NAN, |x| column.convert(x))));
            }
        };
        run.params.iter().for_each(|(_, x)| put(&mut once(Some(*x))));
        run.summary.iter().for_each(|(_, x)| put(&mut once(*x)));
        put(&mut run.marks.iter().map(|m| Some(m.time)));
        for k in 0..run.marks.first().map_or(0, |m| m.values.len()) {
            put(&mut run.marks.iter().map(|m| m.values.get(k).and_then(|(_, x)| *x)));
        }
        for trace in &run.traces {
            put(&mut once(Some(trace.start)));
            put(&mut trace.time.iter().copied().map(Some));
            trace.values.iter().for_each(|(_, x)| put(&mut x.iter().copied()));
        }
        for (ends, trace) in self.sample_ends.iter_mut().zip(&run.traces) {
            ends.push(ends.last().copied().unwrap_or(0) + trace.time.len());
        }
    }
}

/// The number of the first point.
fn first(x: &Lane) -> f64 {
    x.0.first().copied().unwrap_or(f64::NAN)
}

fn other_results() -> Fault {
    Box::new(Diagnostic::without_place(
        Code::Contradiction,
        "the results of this point differ from those of earlier points",
    ))
}

/// Converts the energies of a tomography to the unit of the result set.
fn in_unit(energies: Energies, unit: Unit) -> Energies {
    let both = |(low, high): (f64, f64)| (unit.convert(low), unit.convert(high));
    let convert = |q: Quantity| Quantity {
        value: unit.convert(q.value),
        error: unit.convert(q.error),
        bias: q.bias.map(|b| unit.convert(b)),
        corrected: unit.convert(q.corrected),
        interval_68: both(q.interval_68),
        interval_95: both(q.interval_95),
    };
    Energies {
        energy: convert(energies.energy),
        ergotropy: convert(energies.ergotropy),
        capacity: convert(energies.capacity),
        conditions: energies.conditions,
    }
}
