//! Requested measurements, and the keys of results.

use super::function::FunctionInfo;
use crate::metrics::Metric;
use crate::syntax::{Expr, ExprKind, Factor, Term};
use serde::{Deserialize, Serialize};

/// A requested measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Key in results: the given name, or the expression without spaces.
    pub key: String,
    /// Expression of metrics.
    pub value: Expr,
    /// True for a single number of the whole run (`max(ergotropy)`, a metric at a given mark), false for a value at each moment.
    pub summary: bool,
}

impl Measure {
    /// True for a result with a name of its own, which goes before a metric of the same name; false for an expression that is listed.
    pub fn is_named(&self) -> bool {
        self.key != key_of(&self.value)
    }
}

/// What an aggregate takes from the curve of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// The maximum.
    Max,
    /// The minimum.
    Min,
    /// The time of the maximum.
    ArgMax,
    /// The time of the minimum.
    ArgMin,
    /// The first local maximum.
    FirstMax,
    /// The largest recorded sample.
    MaxSample,
    /// The smallest recorded sample.
    MinSample,
}

impl Aggregation {
    /// True for a minimum or its time.
    pub fn is_lowest(self) -> bool {
        matches!(self, Aggregation::Min | Aggregation::ArgMin | Aggregation::MinSample)
    }

    /// True for a time.
    pub fn is_time(self) -> bool {
        matches!(self, Aggregation::ArgMax | Aggregation::ArgMin)
    }

    /// True for what is taken from the recorded samples alone.
    pub fn is_of_samples(self) -> bool {
        matches!(self, Aggregation::MaxSample | Aggregation::MinSample)
    }
}

/// An aggregate of a trace, in `measure` and `expect`.
#[derive(Debug, Clone, Copy)]
pub struct AggregateInfo {
    /// Name.
    pub name: &'static str,
    /// What it takes from the curve.
    pub aggregation: Aggregation,
    /// Description.
    pub meaning: &'static str,
}

const fn a(name: &'static str, aggregation: Aggregation, meaning: &'static str) -> AggregateInfo {
    AggregateInfo { name, aggregation, meaning }
}

/// All aggregates.
pub const AGGREGATES: &[AggregateInfo] = &[
    a("max", Aggregation::Max, "the maximum of the continuous curve in the recorded window"),
    a("min", Aggregation::Min, "the minimum of the continuous curve"),
    a(
        "argmax",
        Aggregation::ArgMax,
        "the time of the maximum since the start of the trace; of several equal maxima or a plateau, the earliest",
    ),
    a(
        "argmin",
        Aggregation::ArgMin,
        "the time of the minimum since the start of the trace; of several equal minima or a plateau, the earliest",
    ),
    a("first_max", Aggregation::FirstMax, "the value of the first local maximum"),
    a("max_sample", Aggregation::MaxSample, "the largest of the recorded samples, not above `max`; faster than `max`"),
    a("min_sample", Aggregation::MinSample, "the smallest of the recorded samples, not below `min`"),
];

/// What an aggregate of a trace takes, `max(ergotropy)`; `None` for other expressions. With two arguments, `max` is an ordinary function.
pub fn aggregation(expr: &Expr) -> Option<Aggregation> {
    let ExprKind::Call(name, items) = &expr.kind else { return None };
    let known = AGGREGATES.iter().find(|a| a.name == name)?;
    (items.len() == 1).then_some(known.aggregation)
}

/// True for an aggregate of a trace.
pub fn is_aggregate(expr: &Expr) -> bool {
    aggregation(expr).is_some()
}

/// Key of a metric in results: its text without spaces.
pub fn key_of(expr: &Expr) -> String {
    expr.to_string().replace(' ', "")
}

/// Moves marks from compound expressions to their metrics: `(a/b) at charged` becomes `a at charged / b at charged`, which is required
/// for parsing the printed text. Traces inside of aggregates are left unchanged.
pub fn marked_metrics(expr: &Expr) -> Expr {
    let again = |kind| Expr { kind, place: expr.place };
    match &expr.kind {
        ExprKind::Member(mark, inner) => match inner.kind {
            ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Power(..) => at_mark(mark, inner),
            _ => expr.clone(),
        },
        _ if is_aggregate(expr) => expr.clone(),
        _ => again(mapped(&expr.kind, &marked_metrics)),
    }
}

/// Evaluates every metric of the expression at a mark.
pub fn at_mark(mark: &str, expr: &Expr) -> Expr {
    let again = |kind| Expr { kind, place: expr.place };
    match &expr.kind {
        ExprKind::Call(name, _) if FunctionInfo::named(name).is_some() && !is_aggregate(expr) => {
            again(mapped(&expr.kind, &|part| at_mark(mark, part)))
        }
        ExprKind::Name(name) if Metric::named(name).is_none() => expr.clone(),
        ExprKind::Name(_) | ExprKind::Call(..) if !is_aggregate(expr) => {
            again(ExprKind::Member(mark.to_string(), Box::new(expr.clone())))
        }
        ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Power(..) => {
            again(mapped(&expr.kind, &|part| at_mark(mark, part)))
        }
        _ => expr.clone(),
    }
}

/// Applies a function to the direct subexpressions; arguments of metrics are left unchanged.
fn mapped(kind: &ExprKind, part: &dyn Fn(&Expr) -> Expr) -> ExprKind {
    match kind {
        ExprKind::Sum(terms) => {
            ExprKind::Sum(terms.iter().map(|t| Term { negative: t.negative, value: part(&t.value) }).collect())
        }
        ExprKind::Product(factors) => {
            ExprKind::Product(factors.iter().map(|f| Factor { divides: f.divides, value: part(&f.value) }).collect())
        }
        ExprKind::Power(base, exponent) => ExprKind::Power(Box::new(part(base)), Box::new(part(exponent))),
        ExprKind::Call(name, items) if FunctionInfo::named(name).is_some() && Metric::named(name).is_none() => {
            ExprKind::Call(name.clone(), items.iter().map(part).collect())
        }
        other => other.clone(),
    }
}
