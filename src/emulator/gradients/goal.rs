//! The result at a mark as a function of the states of the members, and its derivative along those of the states.

use super::super::context::RunContext;
use super::super::motion::mean_state;
use super::super::observable::{Observable, aggregates, at_marks, averaged, member_means, mentions};
use super::super::request::{Request, is_signal};
use super::super::setup::open_context;
use super::maps::DualMatrix;
use crate::hamiltonian::{Evaluator, Fault, Prepared, Schedule};
use crate::ir::key_of;
use crate::linalg::{Matrix, real, trace_of_product};
use crate::spin::{Space, State};
use crate::syntax::Expr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is evaluated.
pub(super) struct Kind {
    /// The expression.
    expr: Expr,
    /// True if it is evaluated for every member, with the mean as the result.
    pub each: bool,
    /// The mark; `None` for the end.
    pub mark: Option<String>,
}

impl Kind {
    /// The kind of a request.
    ///
    /// # Errors
    /// If it is not a function of the states at one mark; in words.
    pub fn of(e: &Evaluator, request: &Request) -> Result<Kind, String> {
        let key = key_of(&request.expr);
        let measured = e.experiment.measures.iter().find(|m| m.key == key).map(|m| &m.value);
        let whole = measured.unwrap_or(&request.expr);
        let refused = || format!("`{}` is not a function of the state at one mark", request.expr);
        let (expr, each) = averaged(whole).map_or((whole, false), |inner| (inner, true));
        let other = |e: &Evaluator| -> Result<bool, Fault> {
            Ok(!aggregates(e, expr)?.is_empty() || !at_marks(e, expr)?.is_empty())
        };
        let several = !member_means(std::iter::once(expr)).is_empty() || other(e).map_err(|f| f.message.clone())?;
        if several || names_results(e, expr) {
            return Err(refused());
        }
        if is_signal(expr) {
            return Err("signals are recorded along a trace".into());
        }
        if mentions(expr, |metric| metric.of_propagator || metric.of_heat || metric.of_hamiltonian) {
            return Err(format!("`{}` depends on more than the state", request.expr));
        }
        let mark = request.at.clone().filter(|mark| mark != "end");
        Ok(Kind { expr: expr.clone(), each, mark })
    }
}

/// True if an expression contains the name of a declared result.
fn names_results(e: &Evaluator, expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |x| {
        if let crate::syntax::ExprKind::Name(name) = &x.kind {
            found |= e.experiment.measures.iter().any(|m| m.summary && m.key == *name);
        }
    });
    found
}

/// The result with the contexts in which it is evaluated.
pub(super) struct Evaluated {
    each: Vec<InContext>,
}

/// What a result is evaluated with.
pub struct View<'p, 'a> {
    /// The meaning of names.
    pub evaluator: &'p Evaluator<'a>,
    /// The compiled sequence.
    pub schedule: &'p Schedule,
    /// The prepared states whose mean is the initial one, with their weights.
    pub initial: Vec<(f64, &'p Prepared)>,
    /// The time since `prepare`.
    pub time: Option<f64>,
}

/// The weight of a member, with its derivatives.
pub struct Weight {
    /// The weight.
    pub value: f64,
    /// Its derivative with respect to every variable.
    pub gradient: Vec<f64>,
}

impl Evaluated {
    /// # Errors
    /// If an argument or the battery cannot be evaluated.
    pub fn new(views: Vec<View>, kind: &Kind, space: &Space) -> Result<Evaluated, Fault> {
        let one = |view: View| -> Result<Option<InContext>, Fault> {
            let observable = Observable::new(view.evaluator, key_of(&kind.expr), &kind.expr)?;
            let states: Vec<(f64, State)> = view.initial.iter().map(|(w, p)| (*w, p.state(space))).collect();
            let Some((_, prepared)) = view.initial.first() else { return Ok(None) };
            let mut context = open_context(view.evaluator, view.schedule, space.clone(), prepared, Arc::default())?;
            if states.len() > 1 {
                context.scene.initial = mean_state(states.iter().map(|(w, s)| (*w, s))).into_owned();
            }
            Ok(Some(InContext { observable, context, time: view.time }))
        };
        let each = views.into_iter().filter_map(|view| one(view).transpose()).collect::<Result<_, _>>()?;
        Ok(Evaluated { each })
    }

    /// The value at the states of the members; `None` if it is undefined.
    pub fn value(&self, kind: &Kind, states: &[(Weight, DualMatrix)]) -> Option<f64> {
        if !kind.each {
            return self.each.first()?.value(&mean(states, |_, rho| rho.value.clone())?);
        }
        let values =
            self.each.iter().zip(states).map(|(own, (weight, rho))| Some(weight.value * own.value(&rho.value)?));
        values.sum()
    }

    /// The value, and its derivatives by the states and weights of the members; `None` if one is undefined.
    pub fn gradient(&self, kind: &Kind, states: &[(Weight, DualMatrix)]) -> Option<(f64, Vec<f64>)> {
        let count = states.first()?.1.tangents.len();
        if !kind.each {
            let of = |k: usize| {
                mean(states, |weight, rho| {
                    // d(w rho)/w.
                    let share = weight.gradient.get(k).copied().unwrap_or(0.0) / weight.value;
                    let own = rho.tangents.get(k).cloned().flatten();
                    let zero = || Matrix::zeros(rho.value.nrows(), rho.value.ncols());
                    own.unwrap_or_else(zero) + &rho.value * real(share)
                })
            };
            let directions = (0..count).map(of).collect::<Option<Vec<_>>>()?;
            let rho = mean(states, |_, rho| rho.value.clone())?;
            return self.each.first()?.gradient(&rho, &directions.iter().map(Some).collect::<Vec<_>>());
        }
        let (mut value, mut gradient) = (0.0, vec![0.0; count]);
        for (own, (weight, rho)) in self.each.iter().zip(states) {
            let directions: Vec<Option<&Matrix>> = rho.tangents.iter().map(Option::as_ref).collect();
            let (x, by_state) = own.gradient(&rho.value, &directions)?;
            value += weight.value * x;
            for ((sum, derivative), by_weight) in gradient.iter_mut().zip(by_state).zip(&weight.gradient) {
                *sum += weight.value * derivative + by_weight * x;
            }
        }
        Some((value, gradient))
    }
}

/// The weighted sum over the members.
fn mean(states: &[(Weight, DualMatrix)], of: impl Fn(&Weight, &DualMatrix) -> Matrix) -> Option<Matrix> {
    let terms = states.iter().map(|(weight, rho)| of(weight, rho) * real(weight.value));
    terms.reduce(|sum, term| sum + term)
}

/// An observable in its context.
struct InContext {
    observable: Observable,
    context: RunContext,
    time: Option<f64>,
}

impl InContext {
    /// The value; `None` if it is undefined.
    fn value(&self, rho: &Matrix) -> Option<f64> {
        let state = State::Mixed(rho.clone());
        let moment = self.context.moment(&state, None, self.time).in_unitary_part(None);
        self.observable.answer(Some(&moment), &BTreeMap::new()).ok().filter(|x| x.is_finite())
    }

    /// The value, and its derivatives along directions of the state.
    fn gradient(&self, rho: &Matrix, directions: &[Option<&Matrix>]) -> Option<(f64, Vec<f64>)> {
        let state = State::Mixed(rho.clone());
        let moment = self.context.moment(&state, None, self.time).in_unitary_part(None);
        let closed = self.observable.derivative(&moment).filter(|(_, g)| g.nrows() == rho.nrows());
        if let Some((value, g)) = closed.filter(|(_, g)| g.iter().all(|x| x.is_finite())) {
            let along = |d: &Option<&Matrix>| d.map_or(0.0, |d| trace_of_product(&g, d).re);
            return Some((value, directions.iter().map(along).collect()));
        }
        let value = self.value(rho)?;
        let gradient = directions.iter().map(|d| d.map_or(Some(0.0), |d| self.along(rho, value, d)));
        Some((value, gradient.collect::<Option<_>>()?))
    }

    /// Fourth-order differences along a direction, for metrics whose derivative has no closed form, at two distances: they agree where the
    /// metric is smooth.
    fn along(&self, rho: &Matrix, value: f64, direction: &Matrix) -> Option<f64> {
        let largest = |m: &Matrix| m.iter().map(|x| x.norm()).fold(0.0, f64::max);
        let n = rho.nrows();
        let deviation = largest(&(rho - Matrix::identity(n, n) * real(1.0 / n as f64)));
        let steepest = largest(direction);
        if steepest == 0.0 {
            return Some(0.0);
        }
        let at = |by: f64| self.value(&(rho + direction * real(by)));
        let of = |by: f64| Some((8.0 * (at(by)? - at(-by)?) - (at(2.0 * by)? - at(-2.0 * by)?)) / (12.0 * by));
        let far = 2e-3 * deviation.max(f64::MIN_POSITIVE) / steepest;
        let (fine, coarse) = (of(0.5 * far)?, of(far)?);
        ((fine - coarse).abs() <= 1e-6 * fine.abs() + 1e-12 * value.abs() / far).then_some(fine)
    }
}
