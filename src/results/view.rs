//! Read access to a result set: a column over all points, or a point with its marks and traces.

use super::schema::{Column, Over};
use super::set::{About, ResultSet, Status};
use crate::emulator::{Readings, RunInfo};
use crate::linalg::Matrix;
use std::ops::Range;

/// The value, or `None` if it is undefined (NaN).
fn defined(x: f64) -> Option<f64> {
    (!x.is_nan()).then_some(x)
}

impl ResultSet {
    /// The point with this index.
    pub fn at(&self, point: usize) -> Option<Point<'_>> {
        (point < self.len()).then_some(Point { set: self, number: point })
    }

    /// All points, in order.
    pub fn points(&self) -> impl ExactSizeIterator<Item = Point<'_>> {
        (0..self.len()).map(|k| Point { set: self, number: k })
    }

    /// Values of a column by name: `tau`, `xi_max`, `ergotropy`, `charging.ergotropy`.
    pub fn column(&self, name: &str) -> Option<Values<'_>> {
        self.schema.column(name).and_then(|(k, _)| self.values(k))
    }

    /// Values of all columns, in the order of [`Schema::columns`](super::Schema::columns).
    pub fn columns(&self) -> impl Iterator<Item = Values<'_>> {
        (0..self.data.len()).filter_map(|k| self.values(k))
    }

    /// Values of the column with this index.
    pub fn values(&self, column: usize) -> Option<Values<'_>> {
        Some(Values { column: self.schema.columns().get(column)?, number: column, set: self })
    }
}

/// Values of a column.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    /// The column.
    pub column: &'a Column,
    number: usize,
    set: &'a ResultSet,
}

impl<'a> Values<'a> {
    /// Values at all points, concatenated; NaN where undefined.
    pub fn all(self) -> &'a [f64] {
        self.set.data.get(self.number).map_or(&[], Vec::as_slice)
    }

    /// Values at a point: one, one per mark, or one per sample.
    pub fn at(self, point: usize) -> &'a [f64] {
        self.set.slice(self.number, point)
    }

    /// The single value at a point; `None` if it is undefined or there are several.
    pub fn value(self, point: usize) -> Option<f64> {
        match self.at(point) {
            [x] => defined(*x),
            _ => None,
        }
    }

    /// Values at all points as an array of shape (points), (points, marks) or (points, samples); NaN for failed points.
    ///
    /// # Errors
    /// When the number of samples at a point differs from that of the schema.
    pub fn rectangular(self) -> Result<Vec<f64>, String> {
        let Over::Samples(trace) = self.column.over else { return Ok(self.all().to_vec()) };
        let samples = self.set.schema.traces().get(trace).map_or(0, |t| t.samples);
        let mut out = Vec::with_capacity(samples * self.set.len());
        for (k, about) in self.set.points.iter().enumerate() {
            match (self.at(k), &about.status) {
                (_, Status::Failed { .. }) => out.extend(std::iter::repeat_n(f64::NAN, samples)),
                (values, Status::Computed) if values.len() == samples => out.extend_from_slice(values),
                (values, Status::Computed) => return Err(self.other_samples(values.len(), samples)),
            }
        }
        Ok(out)
    }

    fn other_samples(self, here: usize, there: usize) -> String {
        format!("`{}` has {here} values here and {there} at other points", self.column.name)
    }
}

/// A point of a result set.
#[derive(Clone, Copy)]
pub struct Point<'a> {
    set: &'a ResultSet,
    number: usize,
}

impl<'a> Point<'a> {
    fn about(self) -> Option<&'a About> {
        self.set.points.get(self.number)
    }

    /// Its status.
    pub fn status(self) -> &'a Status {
        self.about().map_or(&Status::Computed, |a| &a.status)
    }

    /// Reasons for undefined metrics, and other remarks.
    pub fn notes(self) -> &'a [String] {
        self.about().map_or(&[], |a| &a.notes)
    }

    /// How it was computed; for a failed point the default.
    pub fn how(self) -> Option<&'a RunInfo> {
        self.about().map(|a| &a.how)
    }

    /// Results of tomographies, energies in the unit of the schema.
    pub fn tomographies(self) -> &'a [Readings] {
        self.about().map_or(&[], |a| &a.tomographies)
    }

    fn scalars(self, columns: Range<usize>) -> impl Iterator<Item = (&'a Column, Option<f64>)> {
        columns.filter_map(move |k| self.set.values(k)).map(move |v| (v.column, v.value(self.number)))
    }

    /// All parameters with their values, SI or natural units.
    pub fn parameters(self) -> impl Iterator<Item = (&'a Column, f64)> {
        self.scalars(self.set.schema.parameters()).map(|(column, x)| (column, x.unwrap_or(f64::NAN)))
    }

    /// Value of a parameter.
    pub fn parameter(self, name: &str) -> Option<f64> {
        let (number, _) = self.set.schema.parameter(name)?;
        self.set.slice(number, self.number).first().copied()
    }

    /// Named scalars.
    pub fn summary(self) -> impl Iterator<Item = (&'a Column, Option<f64>)> {
        self.scalars(self.set.schema.summary())
    }

    /// The marks, in order.
    pub fn marks(self) -> impl ExactSizeIterator<Item = Mark<'a>> {
        (0..self.set.schema.marks().len()).map(move |mark| Mark { point: self, mark })
    }

    /// The traces, in order; at a failed point they have no samples.
    pub fn traces(self) -> impl ExactSizeIterator<Item = Trace<'a>> {
        (0..self.set.schema.traces().len()).map(move |trace| Trace { point: self, trace })
    }
}

/// A mark at a point.
#[derive(Clone, Copy)]
pub struct Mark<'a> {
    point: Point<'a>,
    mark: usize,
}

impl<'a> Mark<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        self.point.set.schema.marks().get(self.mark).map_or("", String::as_str)
    }

    fn of(self, column: usize) -> Option<f64> {
        self.point.set.slice(column, self.point.number).get(self.mark).copied()
    }

    /// Time since `prepare`; NaN at a failed point.
    pub fn time(self) -> f64 {
        self.of(self.point.set.schema.at_marks().start).unwrap_or(f64::NAN)
    }

    /// Metrics at the mark.
    pub fn values(self) -> impl Iterator<Item = (&'a Column, Option<f64>)> {
        let columns = self.point.set.schema.at_marks().skip(1).filter_map(move |k| self.point.set.values(k));
        columns.map(move |v| (v.column, self.of(v.number).and_then(defined)))
    }

    /// State on the whole space, if requested.
    pub fn state(self) -> Option<&'a Matrix> {
        self.point.about().and_then(|a| a.states.get(self.mark)).and_then(Option::as_ref)
    }
}

/// A trace at a point.
#[derive(Clone, Copy)]
pub struct Trace<'a> {
    point: Point<'a>,
    trace: usize,
}

impl<'a> Trace<'a> {
    /// Its name.
    pub fn name(self) -> &'a str {
        self.point.set.schema.traces().get(self.trace).map_or("", |t| &t.name)
    }

    fn numbers(self) -> Range<usize> {
        self.point.set.schema.of_trace(self.trace)
    }

    /// Time from `prepare` to its start; NaN at a failed point.
    pub fn start(self) -> f64 {
        self.point.set.slice(self.numbers().start, self.point.number).first().copied().unwrap_or(f64::NAN)
    }

    /// Times since the start of its statement.
    pub fn time(self) -> &'a [f64] {
        self.point.set.slice(self.numbers().start + 1, self.point.number)
    }

    /// Its columns with their samples; NaN where a metric is undefined.
    pub fn columns(self) -> impl Iterator<Item = (&'a Column, &'a [f64])> {
        let Point { set, number } = self.point;
        self.numbers().skip(2).filter_map(move |k| Some((set.schema.columns().get(k)?, set.slice(k, number))))
    }

    /// The samples of a key.
    pub fn column(self, key: &str) -> Option<(&'a Column, &'a [f64])> {
        self.columns().find(|(column, _)| column.key == key)
    }
}
