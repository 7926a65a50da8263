//! One JSON object: schema `ergoseq/run/1`. Numbers read back to the same double; what is not defined is `null`.

use super::readings::readings_json;
use crate::emulator::RunInfo;
use crate::results::{Column, Mark, Point, ResultSet, Trace};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The object, on one line, ended by a line break.
pub fn json(set: &ResultSet) -> String {
    let schema = set.schema();
    let mut units = Map::new();
    units.insert("time".into(), Value::from(schema.time.name));
    units.insert("energy".into(), Value::from(schema.energy.name));
    let parameters = schema.columns().iter().filter(|c| c.is_parameter());
    for column in schema.measured().iter().chain(parameters) {
        units.insert(column.key.clone(), Value::from(column.unit.as_str()));
    }
    let object = json!({
        "schema": "ergoseq/run/1",
        "title": schema.title,
        "file": schema.file,
        "version": env!("CARGO_PKG_VERSION"),
        "units": units,
        "swept": schema.swept().collect::<Vec<_>>(),
        "points": set.points().map(point).collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

/// Values by key.
fn object<'a>(values: impl Iterator<Item = (&'a Column, Option<f64>)>) -> Map<String, Value> {
    values.map(|(column, x)| (column.key.clone(), Value::from(x))).collect()
}

fn point(point: Point) -> Value {
    let mut object = json!({
        "params": object(point.parameters().map(|(column, x)| (column, Some(x)))),
        "summary": object(point.summary()),
        "marks": point.marks().map(mark).collect::<Map<String, Value>>(),
        "traces": point.traces().map(trace).collect::<Map<String, Value>>(),
        "notes": point.notes(),
        "method": point.how().map(method),
    });
    if let (false, Some(object)) = (point.tomographies().is_empty(), object.as_object_mut()) {
        object.insert("tomography".into(), point.tomographies().iter().map(readings_json).collect());
    }
    object
}

fn mark(mark: Mark) -> (String, Value) {
    (mark.name().to_string(), json!({ "time": mark.time(), "values": object(mark.values()) }))
}

/// A curve; JSON knows no NaN, so what is not defined becomes `null`.
fn trace(trace: Trace) -> (String, Value) {
    let values: Map<String, Value> =
        trace.columns().map(|(c, samples)| (c.key.clone(), Value::from(samples))).collect();
    (trace.name().to_string(), json!({ "time": trace.time(), "values": values }))
}

fn method(how: &RunInfo) -> Value {
    json!({
        "dimension": how.dimension,
        "state": if how.pure { "vector" } else { how.state() },
        "members": how.members,
        "propagation": how.methods,
        "tolerance": how.tolerance,
        "truncation": how.truncation.iter().cloned().collect::<BTreeMap<String, f64>>(),
    })
}
