//! The outputs requested of a run: the results declared in the file, additional values, or an observation of the sequence.

use super::meeting::Stops;
use super::observable::{Aggregate, AtMark, Observable, aggregates, at_marks, is_at_mark, member_means};
use super::settings::Options;
use crate::hamiltonian::{Evaluator, Fault};
use crate::ir::{is_aggregate, key_of};
use crate::metrics::Metric;
use crate::syntax::{Expr, ExprKind};

/// A value requested in addition to `measure`, as by `expect`, `optimise` and `fit`.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// A metric expression, a named result or an aggregate.
    pub expr: Expr,
    /// The mark at which it is evaluated; `None` for the end, and for quantities of the whole run.
    pub at: Option<String>,
}

/// A position in the sequence at which states are observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// After `prepare`.
    Prepared,
    /// At a mark.
    Mark(String),
    /// After a tomography; the state is the reconstructed one.
    Tomography,
    /// At or after the statement with this index in the sequence.
    Statement(usize),
    /// At the end of the sequence.
    End,
}

impl Position {
    /// The name of the mark in results; every file has the marks `tomography` and `end`.
    pub fn mark(&self) -> Option<&str> {
        match self {
            Position::Mark(name) => Some(name),
            Position::Tomography => Some("tomography"),
            Position::End => Some("end"),
            Position::Prepared | Position::Statement(_) => None,
        }
    }
}

/// Where an observation evaluates its metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moments {
    /// After `prepare`, at every mark, and at the end.
    #[default]
    Marks,
    /// After every statement except marks and tomographies. A loop is one statement.
    Statements,
    /// At this number of equidistant times of every statement of finite duration, and after the others. Loops and acquisitions are
    /// observed at their ends.
    Along(usize),
}

/// An observation of the sequence: arbitrary metrics at moments that need not be marked in the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// The metrics; each gives one column.
    pub metrics: Vec<Expr>,
    /// Where they are evaluated.
    pub moments: Moments,
    /// True to keep free induction decays.
    pub signals: bool,
    /// True to carry out tomographies.
    pub tomographies: bool,
    /// True to keep density matrices on the whole space.
    pub states: bool,
    /// Numbers of points that replace those of the file: (index of the `ensemble` distribution, points).
    pub points: Vec<(usize, usize)>,
}

/// The outputs that a run evaluates.
#[derive(Clone, Copy)]
pub enum Requests<'a> {
    /// The results that the file declares, and these values.
    Declared(&'a [Request]),
    /// An observation.
    Observation(&'a Observation),
}

/// The observables of a run.
#[derive(Default)]
pub struct Observables {
    /// Evaluated at marks and along curves.
    pub observables: Vec<Observable>,
    /// Evaluated over whole curves.
    pub aggregates: Vec<Aggregate>,
    /// Evaluated at single marks.
    pub at_marks: Vec<AtMark>,
}

impl Observables {
    /// True if they are the same at every parameter point.
    pub fn is_fixed(&self) -> bool {
        let curves = self.aggregates.iter().map(|a| &a.curve);
        let marked = self.at_marks.iter().map(|a| &a.metric);
        self.observables.iter().chain(curves).chain(marked).all(Observable::is_fixed)
    }
}

impl<'a> Requests<'a> {
    /// The positions at which propagation stops.
    pub fn stops(self) -> Stops {
        match self {
            Requests::Declared(_) => Stops::DECLARED,
            Requests::Observation(o) => Stops {
                prepared: o.moments == Moments::Marks,
                marks: o.moments == Moments::Marks,
                records: false,
                acquisitions: o.signals,
                tomographies: o.tomographies,
                statements: o.moments != Moments::Marks,
                samples: if let Moments::Along(points) = o.moments { points.max(2) } else { 1 },
            },
        }
    }

    /// Largest dimension of the whole space at which density matrices are kept.
    pub fn kept_dimension(self, options: &Options) -> f64 {
        match self {
            Requests::Declared(_) => options.states as f64,
            Requests::Observation(o) if o.states => f64::INFINITY,
            Requests::Observation(_) => 0.0,
        }
    }

    /// The requested means over members: the expression as written, and the averaged metric.
    pub fn member_means(self, e: &Evaluator<'a>) -> Vec<(String, &'a Expr)> {
        match self {
            Requests::Declared(values) => {
                let experiment = e.experiment;
                let measured = experiment.measures.iter().map(|m| &m.value);
                let theories = experiment.theories.iter().map(|t| &t.metric);
                member_means(measured.chain(values.iter().map(|r| &r.expr)).chain(theories))
            }
            Requests::Observation(o) => member_means(o.metrics.iter()),
        }
    }

    /// Prepares everything independent of the state.
    ///
    /// # Errors
    /// If an argument cannot be evaluated.
    pub fn observables(self, e: &Evaluator) -> Result<Observables, Fault> {
        match self {
            Requests::Declared(values) => declared(e, values),
            Requests::Observation(o) => {
                let observables: Vec<Observable> =
                    o.metrics.iter().map(|expr| Observable::new(e, key_of(expr), expr)).collect::<Result<_, _>>()?;
                Ok(Observables { observables, ..Observables::default() })
            }
        }
    }
}

/// The observables that the file declares, and those of additional values.
fn declared(e: &Evaluator, values: &[Request]) -> Result<Observables, Fault> {
    let mut observables: Vec<Observable> = Vec::new();
    let mut wanted = Vec::new();
    let mut marked = Vec::new();
    for measure in &e.experiment.measures {
        wanted.extend(aggregates(e, &measure.value)?);
        marked.extend(at_marks(e, &measure.value)?);
        // Signals are recorded by `acquire`, not at marks.
        if !measure.summary && !is_signal(&measure.value) {
            observables.push(Observable::new(e, measure.key.clone(), &measure.value)?);
        }
    }
    for Request { expr, .. } in values {
        wanted.extend(aggregates(e, expr)?);
        marked.extend(at_marks(e, expr)?);
        let key = key_of(expr);
        let known = e.experiment.measures.iter().any(|m| m.key == key) || observables.iter().any(|o| o.key == key);
        if !known && !is_signal(expr) && !is_summary(expr, e) {
            observables.push(Observable::new(e, key, expr)?);
        }
    }
    wanted.sort_by(|a, b| a.key.cmp(&b.key));
    wanted.dedup_by(|a, b| a.key == b.key);
    marked.sort_by(|a, b| a.key.cmp(&b.key));
    marked.dedup_by(|a, b| a.key == b.key);
    Ok(Observables { observables, aggregates: wanted, at_marks: marked })
}

/// True if an expression is a signal, which only an acquisition has.
pub fn is_signal(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call(name, _) if name.starts_with("signal"))
}

/// True if an expression consists of aggregates, metrics at marks, named results and numbers only.
fn is_summary(expr: &Expr, e: &Evaluator) -> bool {
    if is_aggregate(expr) || is_at_mark(e, expr) {
        return true;
    }
    match &expr.kind {
        ExprKind::Name(name) | ExprKind::Call(name, _) if Metric::named(name).is_some() => {
            e.experiment.measures.iter().any(|m| m.key == *name && m.summary)
        }
        _ => expr.children().into_iter().all(|c| is_summary(c, e)),
    }
}
