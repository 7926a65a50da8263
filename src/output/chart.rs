//! Results as figures: curves over time where something was recorded, over the parameter of a sweep, maps over two of them, and
//! the spectrum of what was acquired. What theory says of a trace stands beside it.

use super::figure::{Content, Curve, Figure, Map, Panel};
use super::plane::planes;
use super::results::Results;
use super::spectrum::{Processing, spectra};
use crate::emulator::{Run, SweepAxis};
use crate::hamiltonian::{Evaluator, Values};
use crate::ir::key_of;
use crate::source::in_one_line;
use crate::syntax::number_text;

/// Values as they are drawn: in the unit of their key, and zero where they are below 1e-11 of the largest of that unit, which is rounding.
struct Shown<'a> {
    results: &'a Results<'a>,
    /// The largest value of every unit.
    largest: Vec<(&'static str, f64)>,
}

impl<'a> Shown<'a> {
    fn new(results: &'a Results<'a>) -> Shown<'a> {
        let mut largest: Vec<(&'static str, f64)> = Vec::new();
        let mut see = |key: &str, value: Option<f64>| {
            let Some(x) = results.value(key, value).filter(|x| x.is_finite()) else { return };
            let unit = results.unit(key);
            match largest.iter_mut().find(|(u, _)| *u == unit) {
                Some((_, most)) => *most = most.max(x.abs()),
                None => largest.push((unit, x.abs())),
            }
        };
        for run in results.points {
            run.summary.iter().for_each(|(k, v)| see(k, *v));
            run.marks.iter().flat_map(|m| &m.values).for_each(|(k, v)| see(k, *v));
            run.traces.iter().flat_map(|t| &t.values).for_each(|(k, v)| v.iter().for_each(|v| see(k, *v)));
        }
        Shown { results, largest }
    }

    fn value(&self, key: &str, value: Option<f64>) -> Option<f64> {
        let unit = self.results.unit(key);
        let most = self.largest.iter().find(|(u, _)| *u == unit).map_or(0.0, |(_, m)| *m);
        self.results.value(key, value).map(|x| if x.abs() < 1e-11 * most { 0.0 } else { x })
    }
}

/// The figure of some results. `wanted` are keys of results; all when there are none.
///
/// # Errors
/// When there is nothing to draw, as a sentence.
pub fn chart(results: &Results, axes: &[SweepAxis], wanted: &[String]) -> Result<Figure, String> {
    let known = keys(results);
    if let Some(other) = wanted.iter().find(|w| !known.contains(w)) {
        return Err(format!("nothing that was measured is called `{other}`; there is {}", known.join(", ")));
    }
    let chosen = |key: &String| wanted.is_empty() || wanted.contains(key);
    let panels = match axes {
        [] => traces(results, &chosen),
        [axis] => lines(results, axis, &chosen),
        [slow, fast] => maps(results, slow, fast, &chosen),
        _ => return Err("a sweep of more than two parameters has no picture: fix some with `--set`".into()),
    };
    if panels.is_empty() {
        return Err("there is nothing to draw: record a trace, acquire a decay, or sweep a parameter".into());
    }
    let columns = match panels.len() {
        1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    let title = if results.experiment.title.is_empty() { results.file } else { &results.experiment.title };
    Ok(Figure { name: String::new(), title: in_one_line(title), columns, panels })
}

/// Everything that was measured, in the order of `measure`; summaries first.
fn keys(results: &Results) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut add = |key: &String| {
        if !out.contains(key) {
            out.push(key.clone());
        }
    };
    for run in results.points.iter().take(1) {
        run.summary.iter().for_each(|(k, _)| add(k));
        run.marks.iter().flat_map(|m| &m.values).for_each(|(k, _)| add(k));
        run.traces.iter().flat_map(|t| &t.values).for_each(|(k, _)| add(k));
    }
    out
}

/// A power of ten that makes numbers readable, and how the axis calls them.
struct Axis {
    factor: f64,
    label: String,
    /// Differences below this are rounding, in the readable numbers.
    grain: f64,
}

impl Axis {
    fn new(name: &str, unit: &str, values: impl Iterator<Item = f64>) -> Axis {
        let largest = values.filter(|x| x.is_finite()).fold(0.0f64, |m, x| m.max(x.abs()));
        if unit == "rad" {
            let factor = 1f64.to_degrees();
            return Axis {
                factor,
                label: format!("{name} [deg]"),
                grain: 1e-9 * factor * largest.max(f64::MIN_POSITIVE),
            };
        }
        let power = if largest > 0.0 { (largest.log10() / 3.0).floor() as i32 * 3 } else { 0 };
        let prefix = match (unit, power) {
            (_, 0) => Some(""),
            ("s" | "Hz" | "T" | "K" | "W" | "J", -3) => Some("m"),
            ("s" | "Hz" | "T" | "K" | "W" | "J", -6) => Some("u"),
            ("s" | "Hz" | "T" | "K" | "W" | "J", -9) => Some("n"),
            ("Hz", 3) => Some("k"),
            ("Hz", 6) => Some("M"),
            _ => None,
        };
        let power = if unit.is_empty() && (-3..=3).contains(&power) { 0 } else { power };
        let shown = match (prefix, power) {
            (_, 0) => unit.to_string(),
            (Some(prefix), _) => format!("{prefix}{unit}"),
            (None, _) => format!("1e{power} {unit}").trim_end().to_string(),
        };
        let label = if shown.is_empty() { name.to_string() } else { format!("{name} [{shown}]") };
        let factor = 10f64.powi(-power);
        Axis { factor, label, grain: 1e-9 * factor * largest.max(f64::MIN_POSITIVE) }
    }
}

/// Points that have a value, on their axes. What lies below nine digits of the largest value is rounding, and not drawn as if it were more.
fn scaled(points: impl Iterator<Item = (f64, Option<f64>)>, x: &Axis, y: &Axis) -> Vec<(f64, f64)> {
    let shown = |v: f64| (v * y.factor / y.grain).round() * y.grain;
    points.filter_map(|(t, v)| v.filter(|v| v.is_finite()).map(|v| (t * x.factor, shown(v)))).collect()
}

fn traces(results: &Results, chosen: &impl Fn(&String) -> bool) -> Vec<Panel> {
    let Some(run) = results.points.first() else { return vec![] };
    let shown = Shown::new(results);
    let mut panels = Vec::new();
    // The imaginary part of a signal stands beside its real part, in one panel.
    for key in keys(results).iter().filter(|k| chosen(k) && !k.starts_with("signal_im(")) {
        let of: Vec<_> = run
            .traces
            .iter()
            .filter_map(|t| t.values.iter().find(|(k, _)| k == key).map(|(_, values)| (t, values)))
            .collect();
        if of.is_empty() {
            continue;
        }
        let x = Axis::new("time", results.time_unit(), of.iter().flat_map(|(t, _)| t.time.iter().copied()));
        let value = |v: Option<f64>| shown.value(key, v);
        let y = Axis::new(key, results.unit(key), of.iter().flat_map(|(_, v)| v.iter().filter_map(|v| value(*v))));
        let mut curves: Vec<Curve> = of
            .iter()
            .map(|(t, v)| {
                Curve::line(t.name.clone(), scaled(t.time.iter().copied().zip(v.iter().map(|v| value(*v))), &x, &y))
            })
            .collect();
        let imaginary = key.replace("signal(", "signal_im(");
        if imaginary != *key {
            for t in &run.traces {
                if let Some((_, v)) = t.values.iter().find(|(k, _)| *k == imaginary) {
                    let label = format!("{}, imaginary", t.name);
                    curves.push(Curve::line(label, scaled(t.time.iter().copied().zip(v.iter().copied()), &x, &y)));
                }
            }
        }
        curves.extend(theories(results, run, key, &x, &y));
        panels.push(Panel { title: key.clone(), x: x.label, y: y.label, content: Content::Curves(curves) });
    }
    for (nucleus, lines) in spectra(results, Processing::default()) {
        let x = Axis::new("frequency", "Hz", lines.iter().map(|(f, _)| *f));
        let y = Axis::new("signal", "", lines.iter().map(|(_, z)| z.norm()));
        let part =
            |f: fn(&crate::linalg::C64) -> f64| lines.iter().map(|(nu, z)| (nu * x.factor, f(z) * y.factor)).collect();
        let curves = vec![
            Curve::line("real", part(|z| z.re)),
            Curve::line("imaginary", part(|z| z.im)),
            Curve::line("magnitude", part(|z| z.norm())),
        ];
        let title = format!("spectrum of {nucleus}");
        panels.push(Panel { title, x: x.label, y: y.label, content: Content::Curves(curves) });
    }
    panels
}

/// What theory says of a result, as points.
fn theories(results: &Results, run: &Run, key: &str, x: &Axis, y: &Axis) -> Vec<Curve> {
    let values: Values = run.params.iter().cloned().collect();
    let Ok(e) = Evaluator::new(results.experiment, &values) else { return vec![] };
    let of = results.experiment.theories.iter().filter(|t| key_of(&t.metric) == key);
    of.filter_map(|theory| {
        let trace = run.traces.iter().find(|t| t.name == theory.trace)?;
        let curve = e.curve(&theory.value).ok()?;
        // Forty points are enough to see whether they lie on a line.
        let every = trace.time.len().div_ceil(40).max(1);
        let points = trace.time.iter().step_by(every).map(|t| (*t, results.value(key, Some(curve.at(*t)))));
        Some(Curve::marks("theory", scaled(points, x, y)))
    })
    .collect()
}

/// The values of a result at all points: its name in a legend, and a value a point.
fn series(shown: &Shown, key: &str) -> Vec<(String, Vec<Option<f64>>)> {
    let results = shown.results;
    let Some(first) = results.points.first() else { return vec![] };
    if first.summary.iter().any(|(k, _)| k == key) {
        let of = |r: &Run| r.summary.iter().find(|(k, _)| k == key).and_then(|(_, v)| shown.value(key, *v));
        return vec![(key.to_string(), results.points.iter().map(of).collect())];
    }
    let at = |r: &Run, mark: &str| {
        let mark = r.marks.iter().find(|m| m.name == mark);
        mark.and_then(|m| m.values.iter().find(|(k, _)| k == key)).and_then(|(_, v)| shown.value(key, *v))
    };
    // The end says nothing that a mark before it has not said, where there is one.
    let marks = first.marks.iter().filter(|m| m.name != "end" || first.marks.len() == 1);
    let all = marks.map(|m| (m.name.clone(), results.points.iter().map(|r| at(r, &m.name)).collect()));
    all.filter(|(_, v): &(String, Vec<Option<f64>>)| v.iter().any(Option::is_some)).collect()
}

fn lines(results: &Results, axis: &SweepAxis, chosen: &impl Fn(&String) -> bool) -> Vec<Panel> {
    let (name, values) = axis.leading();
    let shown = Shown::new(results);
    let mut panels = Vec::new();
    for key in keys(results).iter().filter(|k| chosen(k)) {
        let series = series(&shown, key);
        if series.is_empty() {
            continue;
        }
        let x = Axis::new(name, &results.param_unit(name), values.iter().copied());
        let y = Axis::new(key, results.unit(key), series.iter().flat_map(|(_, v)| v.iter().flatten().copied()));
        let curve = |(label, v): &(String, Vec<Option<f64>>)| {
            Curve::line(label.clone(), scaled(values.iter().copied().zip(v.iter().copied()), &x, &y))
        };
        let content = Content::Curves(series.iter().map(curve).collect());
        panels.push(Panel { title: key.clone(), x: x.label, y: y.label, content });
    }
    panels.extend(families(results, &shown, axis, chosen));
    // Decays over an evenly swept time are a spectrum over two frequencies.
    if results.param_unit(name) == "s" {
        for (nucleus, mut map) in planes(results, values) {
            let x = Axis::new("frequency", "Hz", map.x.iter().copied());
            let y = Axis::new(&format!("frequency during {name}"), "Hz", map.y.iter().copied());
            map.x.iter_mut().for_each(|v| *v *= x.factor);
            map.y.iter_mut().for_each(|v| *v *= y.factor);
            let title = format!("2-D spectrum of {nucleus}");
            panels.push(Panel { title, x: x.label, y: y.label, content: Content::Map(map) });
        }
    }
    panels
}

/// Curves over time, one a value of the parameter, where these are few.
fn families(results: &Results, shown: &Shown, axis: &SweepAxis, chosen: &impl Fn(&String) -> bool) -> Vec<Panel> {
    const MOST: usize = 12;
    let (name, values) = axis.leading();
    let Some(first) = results.points.first().filter(|_| values.len() <= MOST) else { return vec![] };
    let unit = results.param_unit(name);
    let scale = Axis::new(name, &unit, values.iter().copied());
    // What stands in brackets behind the name is the unit of the scaled values.
    let unit = scale.label.split_once(" [").map_or(String::new(), |(_, u)| format!(" {}", u.trim_end_matches(']')));
    let label = |x: &f64| format!("{name} = {}{unit}", number_text(((x * scale.factor) * 1e6).round() / 1e6));
    let mut panels = Vec::new();
    for trace in first.traces.iter().filter(|t| !t.values.iter().any(|(k, _)| k.starts_with("signal"))) {
        for (key, _) in trace.values.iter().filter(|(k, _)| chosen(k)) {
            let of = |run: &Run| -> Option<(Vec<f64>, Vec<Option<f64>>)> {
                let t = run.traces.iter().find(|t| t.name == trace.name)?;
                let (_, column) = t.values.iter().find(|(k, _)| k == key)?;
                Some((t.time.clone(), column.iter().map(|v| shown.value(key, *v)).collect()))
            };
            let all: Vec<_> = results.points.iter().filter_map(of).collect();
            let x = Axis::new("time", results.time_unit(), all.iter().flat_map(|(t, _)| t.iter().copied()));
            let y = Axis::new(key, results.unit(key), all.iter().flat_map(|(_, v)| v.iter().flatten().copied()));
            let curves = all.iter().zip(values).map(|((time, column), value)| {
                let points = time.iter().copied().zip(column.iter().copied());
                Curve::line(label(value), scaled(points, &x, &y))
            });
            let content = Content::Curves(curves.collect());
            panels.push(Panel { title: format!("{}.{key}", trace.name), x: x.label, y: y.label, content });
        }
    }
    panels
}

fn maps(results: &Results, slow: &SweepAxis, fast: &SweepAxis, chosen: &impl Fn(&String) -> bool) -> Vec<Panel> {
    let ascending = |v: &[f64]| v.is_sorted_by(|a, b| a < b);
    let ((fast, xs), (slow, ys)) = (fast.leading(), slow.leading());
    if !ascending(xs) || !ascending(ys) {
        return vec![];
    }
    let shown = Shown::new(results);
    let mut panels = Vec::new();
    for key in keys(results).iter().filter(|k| chosen(k)) {
        for (label, values) in series(&shown, key) {
            let x = Axis::new(fast, &results.param_unit(fast), xs.iter().copied());
            let y = Axis::new(slow, &results.param_unit(slow), ys.iter().copied());
            let z = Axis::new(key, results.unit(key), values.iter().flatten().copied());
            let row = |v: &[Option<f64>]| v.iter().map(|v| v.unwrap_or(f64::NAN) * z.factor).collect();
            let map = Map {
                label: z.label.clone(),
                x: xs.iter().map(|v| v * x.factor).collect(),
                y: ys.iter().map(|v| v * y.factor).collect(),
                values: values.chunks(xs.len().max(1)).map(row).collect(),
            };
            let title = if label == *key { z.label } else { format!("{} at {label}", z.label) };
            panels.push(Panel { title, x: x.label, y: y.label, content: Content::Map(map) });
        }
    }
    panels
}

/// How many points a figure may have: more than a picture shows.
pub const MOST_POINTS: usize = 1_000_000;

/// A sentence for a sweep that is too large to be drawn at once.
pub fn too_many(points: usize) -> String {
    format!(
        "{} points are more than a picture shows; `ergoseq sweep` writes them to a file",
        number_text(points as f64)
    )
}
