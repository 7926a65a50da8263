//! Comma-separated values: a header, then a row for every point with its parameters, named results and marks; an experiment
//! that records traces and sweeps nothing gives a row for every sample instead, the traces one after the other.

use super::results::Results;
use crate::emulator::Run;
use crate::syntax::number_text;

/// The text.
pub fn csv(results: &Results) -> String {
    match results.points {
        [run] if run.traces.iter().any(|t| !t.values.is_empty()) => samples(results, run),
        _ => rows(results),
    }
}

pub(super) fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}

fn value(x: Option<f64>) -> String {
    x.map_or_else(String::new, number_text)
}

fn with_unit(name: &str, unit: &str) -> String {
    field(&if unit.is_empty() { name.to_string() } else { format!("{name} [{unit}]") })
}

fn rows(results: &Results) -> String {
    let Some(first) = results.points.first() else { return String::new() };
    let mut header: Vec<String> = first.params.iter().map(|(k, _)| with_unit(k, &results.param_unit(k))).collect();
    header.extend(first.summary.iter().map(|(k, _)| with_unit(k, results.unit(k))));
    for mark in &first.marks {
        header.push(with_unit(&format!("{}.time", mark.name), results.time_unit()));
        header.extend(mark.values.iter().map(|(k, _)| with_unit(&format!("{}.{k}", mark.name), results.unit(k))));
    }
    let mut out = header.join(",") + "\n";
    for run in results.points {
        let mut row: Vec<String> = run.params.iter().map(|(_, v)| number_text(*v)).collect();
        row.extend(run.summary.iter().map(|(k, v)| value(results.value(k, *v))));
        for mark in &run.marks {
            row.push(number_text(mark.time));
            row.extend(mark.values.iter().map(|(k, v)| value(results.value(k, *v))));
        }
        out += &(row.join(",") + "\n");
    }
    out
}

fn samples(results: &Results, run: &Run) -> String {
    let mut header = vec!["trace".to_string(), with_unit("time", results.time_unit())];
    // Traces may hold different columns: what one does not have stays empty.
    let mut keys: Vec<&String> = Vec::new();
    for (key, _) in run.traces.iter().flat_map(|t| &t.values) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    header.extend(keys.iter().map(|k| with_unit(k, results.unit(k))));
    let mut out = header.join(",") + "\n";
    for trace in &run.traces {
        for (k, time) in trace.time.iter().enumerate() {
            let mut row = vec![field(&trace.name), number_text(*time)];
            row.extend(keys.iter().map(|key| {
                let column = trace.values.iter().find(|(name, _)| name == *key);
                value(column.and_then(|(_, c)| results.value(key, c.get(k).copied().flatten())))
            }));
            out += &(row.join(",") + "\n");
        }
    }
    out
}
