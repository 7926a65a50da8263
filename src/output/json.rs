//! One JSON object: schema `ergoseq/run/1`. Numbers read back to the same double; what is not defined is `null`.

use super::results::{EnergyUnit, Results};
use serde_json::{Map, Value, json};

fn number(value: Option<f64>) -> Value {
    value.map_or(Value::Null, Value::from)
}

/// The object, on one line, ended by a line break.
pub fn json(results: &Results) -> String {
    let mut units = Map::new();
    units.insert("time".into(), Value::from(results.time_unit()));
    let energy = crate::emulator::unit_of(crate::metrics::Quantity::Energy, results.experiment.units);
    let energy = if energy == "J" && results.energy == EnergyUnit::Hertz { "Hz" } else { energy };
    units.insert("energy".into(), Value::from(energy));
    for measure in &results.experiment.measures {
        units.insert(measure.key.clone(), Value::from(results.unit(&measure.key)));
    }
    for param in &results.experiment.params {
        units.insert(param.name.clone(), Value::from(results.param_unit(&param.name)));
    }
    let points: Vec<Value> = results.points.iter().map(|run| point(results, run)).collect();
    let object = json!({
        "schema": "ergoseq/run/1",
        "title": results.experiment.title,
        "file": results.file,
        "version": env!("CARGO_PKG_VERSION"),
        "units": units,
        "swept": results.swept,
        "points": points,
    });
    format!("{object}\n")
}

fn point(results: &Results, run: &crate::emulator::Run) -> Value {
    let params: Map<String, Value> = run.params.iter().map(|(k, v)| (k.clone(), Value::from(*v))).collect();
    let summary: Map<String, Value> =
        run.summary.iter().map(|(k, v)| (k.clone(), number(results.value(k, *v)))).collect();
    let mut marks = Map::new();
    for mark in &run.marks {
        let values: Map<String, Value> =
            mark.values.iter().map(|(k, v)| (k.clone(), number(results.value(k, *v)))).collect();
        marks.insert(mark.name.clone(), json!({ "time": mark.time, "values": values }));
    }
    let mut traces = Map::new();
    for trace in &run.traces {
        let mut values = Map::new();
        for (key, column) in &trace.values {
            values.insert(
                key.clone(),
                Value::from(column.iter().map(|v| number(results.value(key, *v))).collect::<Vec<_>>()),
            );
        }
        traces.insert(trace.name.clone(), json!({ "time": trace.time, "values": values }));
    }
    let method = json!({
        "dimension": run.how.dimension,
        "state": if run.how.pure { "vector" } else { run.how.state() },
        "members": run.how.members,
        "propagation": run.how.methods,
        "tolerance": run.how.tolerance,
        "truncation": run.how.truncation.iter().cloned().collect::<std::collections::BTreeMap<String, f64>>(),
    });
    let mut object = json!({
        "params": params, "summary": summary, "marks": marks, "traces": traces, "notes": run.notes, "method": method
    });
    if let (false, Some(object)) = (run.tomographies.is_empty(), object.as_object_mut()) {
        let all = run.tomographies.iter().map(|r| super::readings::readings_json(results, r)).collect::<Vec<_>>();
        object.insert("tomography".into(), Value::from(all));
    }
    object
}
