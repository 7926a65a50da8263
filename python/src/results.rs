//! Results: the one way from columns to dictionaries and arrays of NumPy.

use crate::convert::array;
use ergoseq::results::{Array, Column, Content, Dimension, Point, ResultSet, Status, Values, number_of};
use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// The results of one or more points.
#[pyclass(frozen, module = "ergoseq._core")]
pub struct Results(pub ResultSet);

/// Arrays by name: dimensions, values, attributes.
type Labelled<'py> = (Bound<'py, PyDict>, Bound<'py, PyDict>, Bound<'py, PyDict>);

fn dictionary<'py, 'a>(
    py: Python<'py>,
    values: impl Iterator<Item = (&'a Column, Option<f64>)>,
) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    for (column, value) in values {
        out.set_item(&column.key, value.unwrap_or(f64::NAN))?;
    }
    Ok(out)
}

#[pymethods]
impl Results {
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// A point as a dictionary: parameters, named scalars, marks with their states, traces, and how it was computed.
    fn point<'py>(&self, py: Python<'py>, number: usize) -> PyResult<Bound<'py, PyDict>> {
        let missing = || PyIndexError::new_err(format!("there is no point {number}"));
        told(py, self.0.at(number).ok_or_else(missing)?)
    }

    /// Everything as labelled arrays: those of data and those of coordinates, each by name with dimensions, values and attributes; and
    /// the attributes of the whole.
    fn labelled<'py>(&self, py: Python<'py>) -> PyResult<Labelled<'py>> {
        let set = &self.0;
        let mut failures: Vec<String> = Vec::new();
        for point in set.points() {
            if let Status::Failed { code, message } = point.status() {
                let said = format!("{code}: {message}");
                if !failures.contains(&said) {
                    failures.push(said);
                }
            }
        }
        if set.points().all(|point| *point.status() != Status::Computed) {
            let first = failures.first().map_or("", String::as_str);
            return Err(PyValueError::new_err(format!("every point failed; the first error is: {first}")));
        }
        let arrays = set.schema().arrays();
        let (data, coordinates, about) = (PyDict::new(py), PyDict::new(py), PyDict::new(py));
        // A single run has no status: it failed as a whole, or has results.
        let told = |array: &&Array| array.content != Content::Status || arrays.sweeps > 0;
        for array in arrays.arrays.iter().filter(told) {
            let over: Vec<&Dimension> = array.dimensions.iter().filter_map(|d| arrays.dimensions.get(*d)).collect();
            let shape: Vec<usize> = over.iter().map(|d| d.length).collect();
            let dimensions = PyTuple::new(py, over.iter().map(|d| d.name.as_str()))?;
            let variable = (dimensions, values(py, set, array, shape)?, attributes(py, set, array)?);
            match coordinate(array, arrays.sweeps) {
                Some(name) => coordinates.set_item(name, variable)?,
                None => data.set_item(&array.name, variable)?,
            }
        }
        about.set_item("parameters", set.schema().fixed_text())?;
        if !failures.is_empty() {
            about.set_item("failed", failures.join("\n"))?;
        }
        Ok((data, coordinates, about))
    }
}

/// The name of an array that is a coordinate. The marks of a single run have their times as `time`.
fn coordinate(array: &Array, sweeps: usize) -> Option<&str> {
    match array.content {
        Content::Coordinate(..) | Content::Marks => Some(&array.name),
        Content::Column(_) if array.name == "mark_time" => Some(if sweeps == 0 { "time" } else { &array.name }),
        _ => None,
    }
}

/// Unit, expression and formula; numbers without a unit have an empty one.
fn attributes<'py>(py: Python<'py>, set: &ResultSet, array: &Array) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    if let Content::Column(column) = array.content {
        out.set_item("units", set.schema().columns().get(column).map_or("", |c| &c.unit))?;
    }
    if let Content::Coordinate(..) = array.content {
        out.set_item("units", "")?;
    }
    array.attributes.iter().try_for_each(|(name, text)| out.set_item(name, text))?;
    Ok(out)
}

/// The values of an array, in its shape.
fn values<'py>(py: Python<'py>, set: &ResultSet, array: &Array, shape: Vec<usize>) -> PyResult<Bound<'py, PyAny>> {
    let schema = set.schema();
    Ok(match array.content {
        Content::Coordinate(axis, own) => {
            let values = schema.axes.get(axis).and_then(|a| a.values.get(own)).cloned();
            values.unwrap_or_default().into_pyarray(py).into_any()
        }
        Content::Marks => PyList::new(py, schema.marks())?.into_any(),
        Content::Column(column) => {
            let values = set.values(column).map_or(Ok(vec![]), Values::rectangular);
            values.map_err(PyValueError::new_err)?.into_pyarray(py).reshape(shape)?.into_any()
        }
        Content::Status => {
            let status = |point: Point| match point.status() {
                Status::Failed { code, .. } => number_of(*code),
                _ => 0,
            };
            set.points().map(status).collect::<Vec<i16>>().into_pyarray(py).reshape(shape)?.into_any()
        }
        _ => return Err(PyValueError::new_err(format!("`{}` has no values", array.name))),
    })
}

fn told<'py>(py: Python<'py>, point: Point) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("params", dictionary(py, point.parameters().map(|(column, x)| (column, Some(x))))?)?;
    out.set_item("summary", dictionary(py, point.summary())?)?;
    let marks = PyList::empty(py);
    for mark in point.marks() {
        let state = mark.state().cloned().map(|m| array(py, m)).transpose()?;
        marks.append((mark.name(), mark.time(), dictionary(py, mark.values())?, state))?;
    }
    out.set_item("marks", marks)?;
    let traces = PyList::empty(py);
    for trace in point.traces() {
        let curves = PyDict::new(py);
        for (column, samples) in trace.columns() {
            curves.set_item(&column.key, samples.to_vec().into_pyarray(py))?;
        }
        traces.append((trace.name(), trace.start(), trace.time().to_vec().into_pyarray(py), curves))?;
    }
    out.set_item("traces", traces)?;
    out.set_item("notes", point.notes())?;
    out.set_item("methods", point.how().map(|how| how.methods.clone()))?;
    out.set_item("duration", point.how().map(|how| how.duration))?;
    Ok(out)
}
