//! The points of a sweep: the Cartesian product of the sweeps as written, the last one varying fastest.

use crate::budget::{SWEEP_POINTS, SWEEP_VALUES};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Values};
use crate::ir::{Experiment, Sweep};
use crate::syntax::ast::SweepValues;

/// Parameters that are swept together, and their values.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepAxis {
    /// Names.
    pub names: Vec<String>,
    /// One list per name, all of the same length.
    pub values: Vec<Vec<f64>>,
}

impl SweepAxis {
    /// Name and values of the first parameter, after which the axis is named.
    pub fn leading(&self) -> (&str, &[f64]) {
        match (self.names.as_slice(), self.values.as_slice()) {
            ([name, ..], [values, ..]) => (name, values),
            _ => ("", &[]),
        }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.leading().1.len()
    }

    /// True if there are no points; never so for the axes of a program.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One point: the swept parameters with their values, the others as given.
pub type Point = Values;

/// The axes of a sweep. Parameters that are given are not swept.
///
/// # Errors
/// When a sweep has no points, when sweeps that run together differ in length, or when there are too many points.
pub fn axes(experiment: &Experiment, given: &Values) -> Result<Vec<SweepAxis>, Fault> {
    if experiment.sweeps.is_empty() {
        return Ok(vec![]);
    }
    let e = Evaluator::new(experiment, given)?;
    let mut axes = Vec::new();
    for together in &experiment.sweeps {
        let free: Vec<&Sweep> = together.iter().filter(|s| !given.contains_key(&s.name)).collect();
        let mut axis = SweepAxis { names: vec![], values: vec![] };
        for sweep in free {
            let values = values(&e, sweep)?;
            if let ([name, ..], [first, ..]) = (axis.names.as_slice(), axis.values.as_slice())
                && first.len() != values.len()
            {
                return Err(Diagnostic::new(
                    Code::EmptySweep,
                    sweep.place.span(),
                    format!(
                        "zipped sweeps must have the same length: `{name}` has {} points, `{}` has {}",
                        first.len(),
                        sweep.name,
                        values.len()
                    ),
                )
                .into());
            }
            axis.names.push(sweep.name.clone());
            axis.values.push(values);
        }
        if !axis.names.is_empty() {
            axes.push(axis);
        }
    }
    let total = axes.iter().map(|axis| axis.len() as u64).fold(1, u64::saturating_mul);
    SWEEP_POINTS.check(total, experiment.sweeps.iter().flatten().last().and_then(|s| s.place.0))?;
    Ok(axes)
}

fn values(e: &Evaluator, sweep: &Sweep) -> Result<Vec<f64>, Fault> {
    let span = sweep.place.span();
    let empty = |why: &str| Diagnostic::new(Code::EmptySweep, span, format!("the sweep of `{}` {why}", sweep.name));
    match &sweep.values {
        SweepValues::List(list) if list.is_empty() => Err(empty("has no points").into()),
        SweepValues::List(list) => list.iter().map(|v| e.number(v)).collect(),
        SweepValues::Range { from, to, points, log } => {
            let (a, b) = (e.number(from)?, e.number(to)?);
            let n = e.number(points)?;
            if n.fract() != 0.0 || n < 1.0 {
                return Err(empty("has no points").label(format!("{n} points")).into());
            }
            SWEEP_POINTS.check(n as u64, Some(span))?;
            SWEEP_VALUES.check(n as u64, Some(span))?;
            if *log && (a * b <= 0.0 || !(a / b).is_finite()) {
                return Err(empty("cannot be logarithmic: its ends must have the same sign and be nonzero").into());
            }
            let n = n as usize;
            Ok((0..n)
                .map(|k| {
                    if k == 0 {
                        return a;
                    }
                    if k + 1 == n {
                        return b;
                    }
                    let u = k as f64 / (n - 1) as f64;
                    if *log { a * (b / a).powf(u) } else { a + (b - a) * u }
                })
                .collect())
        }
    }
}

/// The points in row-major order of the axes.
pub fn points(axes: &[SweepAxis], given: &Values) -> impl ExactSizeIterator<Item = Point> {
    let total = axes.iter().map(SweepAxis::len).product::<usize>();
    (0..total).map(move |index| point(axes, given, index))
}

/// The point with index `index` in that order.
pub fn point(axes: &[SweepAxis], given: &Values, index: usize) -> Point {
    let mut point = given.clone();
    let mut rest = index;
    for axis in axes.iter().rev() {
        let length = axis.len().max(1);
        let k = rest % length;
        rest /= length;
        for (name, values) in axis.names.iter().zip(&axis.values) {
            point.extend(values.get(k).map(|value| (name.clone(), *value)));
        }
    }
    point
}
