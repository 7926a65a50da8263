//! Results as figures: curves over time where something was recorded, over the parameter of a sweep, maps over two of them, and
//! the spectrum of what was acquired. What theory says of a trace stands beside it.

use super::figure::{Content, Curve, Figure, Map, Panel};
use super::plane::planes;
use super::spectrum::{Processing, spectra};
use crate::emulator::SweepAxis;
use crate::hamiltonian::{Evaluator, Values};
use crate::ir::{Experiment, key_of};
use crate::linalg::C64;
use crate::results::{Column, Over, Point, ResultSet, Rounding, Trace};
use crate::source::in_one_line;
use crate::syntax::number_text;

/// A result set as it is drawn: with what theory says of it, and without what is rounding.
struct Shown<'a> {
    set: &'a ResultSet,
    experiment: &'a Experiment,
    rounding: Rounding<'a>,
    wanted: &'a [String],
}

impl Shown<'_> {
    /// Everything wanted that was measured, a column a key: summaries first, then in the order of `measure`.
    fn columns(&self) -> impl Iterator<Item = &Column> {
        let wanted = |c: &&Column| self.wanted.is_empty() || self.wanted.contains(&c.key);
        measured(self.set).into_iter().filter(wanted)
    }

    /// Samples of a column; `None` where one is not defined.
    fn samples(&self, column: &Column, samples: &[f64]) -> Vec<Option<f64>> {
        samples.iter().map(|x| self.rounding.shown(column, Some(*x).filter(|x| !x.is_nan()))).collect()
    }

    /// The axis of a parameter.
    fn parameter(&self, name: &str, values: &[f64]) -> Axis {
        Axis::new(name, self.parameter_unit(name), values.iter().copied())
    }

    fn parameter_unit(&self, name: &str) -> &str {
        self.set.schema().parameter(name).map_or("", |(_, column)| &column.unit)
    }

    /// The axis of times.
    fn time<'t>(&self, times: impl Iterator<Item = &'t [f64]>) -> Axis {
        Axis::new("time", self.set.schema().time.name, times.flatten().copied())
    }
}

/// The axis of a result.
fn result_axis<'v>(column: &Column, values: impl Iterator<Item = &'v Vec<Option<f64>>>) -> Axis {
    Axis::new(&column.key, &column.unit, values.flatten().flatten().copied())
}

/// Everything that was measured, a column a key.
fn measured(set: &ResultSet) -> Vec<&Column> {
    let mut out: Vec<&Column> = Vec::new();
    for column in set.schema().columns().iter().filter(|c| c.is_measured()) {
        if !out.iter().any(|known| known.key == column.key) {
            out.push(column);
        }
    }
    out
}

/// The figure of some results. `wanted` are keys of results; all when there are none.
///
/// # Errors
/// When there is nothing to draw, as a sentence.
pub fn chart(set: &ResultSet, experiment: &Experiment, wanted: &[String]) -> Result<Figure, String> {
    // Keys have no blanks, however the result is written.
    let wanted: Vec<String> = wanted.iter().map(|w| w.replace(' ', "")).collect();
    let known: Vec<&str> = measured(set).into_iter().map(|c| c.key.as_str()).collect();
    if let Some(other) = wanted.iter().find(|w| !known.contains(&w.as_str())) {
        return Err(format!(
            "unknown result `{other}`; results are {}; `ergoseq plot --help` lists drawings",
            known.join(", ")
        ));
    }
    let shown = Shown { set, experiment, rounding: Rounding::new(set), wanted: &wanted };
    let panels = match set.schema().axes.as_slice() {
        [] => traces(&shown),
        [axis] => lines(&shown, axis),
        [slow, fast] => maps(&shown, slow, fast),
        _ => return Err("a sweep of more than two parameters cannot be plotted: fix some with `--set`".into()),
    };
    if panels.is_empty() {
        let why = "there is nothing to plot: record a trace, acquire an FID, or sweep a parameter with a result; \
                   FIDs at unequal steps are plotted one by one, with `--set`";
        return Err(why.into());
    }
    let columns = match panels.len() {
        1 => 1,
        2..=4 => 2,
        _ => 3,
    };
    Ok(Figure { name: String::new(), title: in_one_line(set.schema().heading()), columns, panels })
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

fn traces(shown: &Shown) -> Vec<Panel> {
    let Some(point) = shown.set.at(0) else { return vec![] };
    // The imaginary part of a signal stands beside its real part, in one panel.
    let columns = shown.columns().filter(|c| !c.key.starts_with("signal_im("));
    let mut panels: Vec<Panel> = columns.filter_map(|column| over_time(shown, point, column)).collect();
    panels.extend(spectra(shown.set, Processing::default()).into_iter().map(|(n, lines)| spectrum(n, &lines)));
    panels
}

/// A result along all traces that have it.
fn over_time(shown: &Shown, point: Point, column: &Column) -> Option<Panel> {
    let of: Vec<(Trace, Vec<Option<f64>>)> = point
        .traces()
        .filter_map(|t| t.column(&column.key).map(|(own, samples)| (t, shown.samples(own, samples))))
        .collect();
    if of.is_empty() {
        return None;
    }
    let x = shown.time(of.iter().map(|(t, _)| t.time()));
    let y = result_axis(column, of.iter().map(|(_, v)| v));
    let curve = |label: String, trace: Trace, samples: Vec<Option<f64>>| {
        Curve::line(label, scaled(trace.time().iter().copied().zip(samples), &x, &y))
    };
    let mut curves: Vec<Curve> = of.into_iter().map(|(t, v)| curve(t.name().to_string(), t, v)).collect();
    let imaginary = column.key.replace("signal(", "signal_im(");
    if imaginary != column.key {
        for trace in point.traces() {
            if let Some((_, samples)) = trace.column(&imaginary) {
                let samples = samples.iter().map(|x| Some(*x)).collect();
                curves.push(curve(format!("{}, imaginary", trace.name()), trace, samples));
            }
        }
    }
    curves.extend(theories(shown, point, column, &x, &y));
    Some(Panel { title: column.key.clone(), x: x.label, y: y.label, content: Content::Curves(curves) })
}

fn spectrum(nucleus: &str, lines: &[(f64, C64)]) -> Panel {
    let x = Axis::new("frequency", "Hz", lines.iter().map(|(f, _)| *f));
    let y = Axis::new("signal", "", lines.iter().map(|(_, z)| z.norm()));
    let part = |f: fn(&C64) -> f64| lines.iter().map(|(nu, z)| (nu * x.factor, f(z) * y.factor)).collect();
    let curves = vec![
        Curve::line("real", part(|z| z.re)),
        Curve::line("imaginary", part(|z| z.im)),
        Curve::line("magnitude", part(|z| z.norm())),
    ];
    let title = format!("spectrum of {nucleus}");
    Panel { title, x: x.label, y: y.label, content: Content::Curves(curves) }
}

/// What theory says of a result, as points.
fn theories(shown: &Shown, point: Point, column: &Column, x: &Axis, y: &Axis) -> Vec<Curve> {
    let values: Values = point.parameters().map(|(column, x)| (column.key.clone(), x)).collect();
    let Ok(e) = Evaluator::new(shown.experiment, &values) else { return vec![] };
    let of = shown.experiment.theories.iter().filter(|t| key_of(&t.metric) == column.key);
    of.filter_map(|theory| {
        let trace = point.traces().find(|t| t.name() == theory.trace)?;
        let curve = e.curve(&theory.value).ok()?;
        // Forty points are enough to see whether they lie on a line.
        let every = trace.time().len().div_ceil(40).max(1);
        let points = trace.time().iter().step_by(every).map(|t| (*t, Some(column.convert(curve.at(*t)))));
        Some(Curve::marks("theory", scaled(points, x, y)))
    })
    .collect()
}

/// The values of a result at all points: its name in a legend, and a value a point.
fn series(shown: &Shown, column: &Column) -> Vec<(String, Vec<Option<f64>>)> {
    let schema = shown.set.schema();
    let all = |over: Over| shown.set.columns().find(|v| v.column.over == over && v.column.key == column.key);
    if column.over == Over::Points {
        return all(Over::Points).map(|v| (column.key.clone(), shown.samples(v.column, v.all()))).into_iter().collect();
    }
    let Some(values) = all(Over::Marks) else { return vec![] };
    let values = shown.samples(values.column, values.all());
    // The end says nothing that a mark before it has not said, where there is one.
    let marks = schema.marks();
    let told = marks.iter().enumerate().filter(|(_, name)| *name != "end" || marks.len() == 1);
    let at = |k: usize| values.iter().skip(k).step_by(marks.len().max(1)).copied().collect();
    let all = told.map(|(k, name)| (name.clone(), at(k)));
    all.filter(|(_, v): &(String, Vec<Option<f64>>)| v.iter().any(Option::is_some)).collect()
}

fn lines(shown: &Shown, axis: &SweepAxis) -> Vec<Panel> {
    let (name, values) = axis.leading();
    let mut panels = Vec::new();
    for column in shown.columns() {
        let series = series(shown, column);
        if series.is_empty() {
            continue;
        }
        let (x, y) = (shown.parameter(name, values), result_axis(column, series.iter().map(|(_, v)| v)));
        let curve = |(label, v): &(String, Vec<Option<f64>>)| {
            Curve::line(label.clone(), scaled(values.iter().copied().zip(v.iter().copied()), &x, &y))
        };
        let content = Content::Curves(series.iter().map(curve).collect());
        panels.push(Panel { title: column.key.clone(), x: x.label, y: y.label, content });
    }
    panels.extend(families(shown, axis));
    // Decays over an evenly swept time are a spectrum over two frequencies.
    if shown.parameter_unit(name) == "s" {
        panels.extend(planes(shown.set, values).into_iter().map(|(nucleus, map)| plane(name, &nucleus, map)));
    }
    panels
}

fn plane(swept: &str, nucleus: &str, mut map: Map) -> Panel {
    let x = Axis::new("frequency", "Hz", map.x.iter().copied());
    let y = Axis::new(&format!("frequency during {swept}"), "Hz", map.y.iter().copied());
    map.x.iter_mut().for_each(|v| *v *= x.factor);
    map.y.iter_mut().for_each(|v| *v *= y.factor);
    Panel { title: format!("2-D spectrum of {nucleus}"), x: x.label, y: y.label, content: Content::Map(map) }
}

/// Curves over time, one a value of the parameter, where these are few.
fn families(shown: &Shown, axis: &SweepAxis) -> Vec<Panel> {
    const MOST: usize = 12;
    let (name, values) = axis.leading();
    let Some(first) = shown.set.at(0).filter(|_| values.len() <= MOST) else { return vec![] };
    let scale = shown.parameter(name, values);
    // What stands in brackets behind the name is the unit of the scaled values.
    let unit = scale.label.split_once(" [").map_or(String::new(), |(_, u)| format!(" {}", u.trim_end_matches(']')));
    let label = |x: &f64| format!("{name} = {}{unit}", number_text(((x * scale.factor) * 1e6).round() / 1e6));
    let mut panels = Vec::new();
    let is_decay = |t: &Trace| t.columns().any(|(c, _)| c.key.starts_with("signal"));
    for (number, trace) in first.traces().enumerate().filter(|(_, t)| !is_decay(t)) {
        let chosen = |c: &Column| shown.wanted.is_empty() || shown.wanted.contains(&c.key);
        for (column, _) in trace.columns().filter(|(c, _)| chosen(c)) {
            let of = |point: Point| {
                let trace = point.traces().nth(number)?;
                Some((trace.time().to_vec(), shown.samples(column, trace.column(&column.key)?.1)))
            };
            let all: Vec<(Vec<f64>, Vec<Option<f64>>)> = shown.set.points().filter_map(of).collect();
            let x = shown.time(all.iter().map(|(t, _)| t.as_slice()));
            let y = result_axis(column, all.iter().map(|(_, v)| v));
            let curves = all.iter().zip(values).map(|((time, samples), value)| {
                let points = time.iter().copied().zip(samples.iter().copied());
                Curve::line(label(value), scaled(points, &x, &y))
            });
            let content = Content::Curves(curves.collect());
            panels.push(Panel { title: column.name.clone(), x: x.label, y: y.label, content });
        }
    }
    panels
}

fn maps(shown: &Shown, slow: &SweepAxis, fast: &SweepAxis) -> Vec<Panel> {
    let ascending = |v: &[f64]| v.is_sorted_by(|a, b| a < b);
    let ((fast, xs), (slow, ys)) = (fast.leading(), slow.leading());
    if !ascending(xs) || !ascending(ys) {
        return vec![];
    }
    let mut panels = Vec::new();
    for column in shown.columns() {
        for (label, values) in series(shown, column) {
            let (x, y) = (shown.parameter(fast, xs), shown.parameter(slow, ys));
            let z = result_axis(column, std::iter::once(&values));
            let row = |v: &[Option<f64>]| v.iter().map(|v| v.unwrap_or(f64::NAN) * z.factor).collect();
            let map = Map {
                label: z.label.clone(),
                x: xs.iter().map(|v| v * x.factor).collect(),
                y: ys.iter().map(|v| v * y.factor).collect(),
                values: values.chunks(xs.len().max(1)).map(row).collect(),
            };
            let title = if label == column.key { z.label } else { format!("{} at {label}", z.label) };
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
        "{} points are too many for a plot; use `ergoseq sweep` to write them to a file",
        number_text(points as f64)
    )
}
