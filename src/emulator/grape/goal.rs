//! What is optimised: a function of the mean state, of the state of every member, or of the propagator of every member, with its
//! derivative.

#![expect(clippy::indexing_slicing, reason = "the derivative is computed element by element of an n x n matrix")]

use super::super::context::RunContext;
use super::super::observable::{EvalError, Observable, aggregates, at_marks, averaged, is_of_propagator, member_means};
use super::super::whole_propagator::refused;
use super::path::Path;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault};
use crate::ir::key_of;
use crate::linalg::{C64, I, Matrix, Vector, adjoint, identity, product, real};
use crate::spin::{Space, State};
use crate::syntax::Expr;
use std::collections::BTreeMap;

/// Largest dimension for which derivatives by the state are finite differences: they are taken in every direction of state space.
const MOST_BY_DIFFERENCES: usize = 32;

/// What an observable is a function of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    State,
    Propagator,
}

/// The kind of a result.
pub(super) struct Kind {
    pub of: Of,
    /// True if it is evaluated for every member and averaged.
    pub each: bool,
    /// The expression that is evaluated.
    expr: Expr,
}

/// The kind of a result; refused if it is not a function of a single state or propagator.
pub(super) fn kind(e: &Evaluator, expr: &Expr) -> Result<Kind, Fault> {
    let (inner, each) = averaged(expr).map_or((expr, false), |inner| (inner, true));
    let several = !member_means(std::iter::once(inner)).is_empty();
    if several || !aggregates(e, inner)?.is_empty() || !at_marks(e, inner)?.is_empty() {
        let message = format!(
            "`{expr}` is not a function of the state at one mark, so it has no gradient with respect to a shape"
        );
        return Err(Diagnostic::without_place(Code::Contradiction, message)
            .help("use a metric at a mark: `--maximise \"ergotropy at charged\"`")
            .into());
    }
    let propagator = is_of_propagator(inner);
    if propagator && let Some(why) = refused(&e.basis) {
        return Err(undefined(&key_of(inner), &why.to_string()));
    }
    let of = if propagator { Of::Propagator } else { Of::State };
    Ok(Kind { of, each: each || propagator, expr: inner.clone() })
}

/// What is evaluated: the declared system for the mean state, or every member by itself.
pub(super) struct PulseGoal {
    kind: Kind,
    evaluations: Vec<Evaluation>,
}

impl PulseGoal {
    /// With the evaluator and the context of the declared system, or of every member; checks that the paths have what the goal needs.
    pub fn new(kind: Kind, contexts: Vec<(&Evaluator, RunContext)>, paths: &[Path]) -> Result<PulseGoal, Fault> {
        if kind.of == Of::Propagator && paths.iter().any(|path| path.unitary().is_none()) {
            let why = crate::metrics::NoPropagator::NotUnitary;
            return Err(undefined(&key_of(&kind.expr), &why.to_string()));
        }
        let evaluation = |(e, context): (&Evaluator, RunContext)| -> Result<Evaluation, Fault> {
            let observable = Observable::new(e, key_of(&kind.expr), &kind.expr)?;
            let embedding = embedding(context.space());
            Ok(Evaluation { of: kind.of, observable, context, embedding })
        };
        let evaluations = contexts.into_iter().map(evaluation).collect::<Result<_, Fault>>()?;
        Ok(PulseGoal { kind, evaluations })
    }

    pub fn of(&self) -> Of {
        self.kind.of
    }

    /// The value, from the states or propagators of the members at the end.
    pub fn value(&self, paths: &[Path], ends: &[Matrix]) -> Result<f64, Fault> {
        let mut sum = 0.0;
        if !self.kind.each {
            for whole in &self.evaluations {
                sum += whole.evaluate(&mean(paths, ends))?;
            }
            return Ok(sum);
        }
        for ((path, end), own) in paths.iter().zip(ends).zip(&self.evaluations) {
            sum += path.weight * own.evaluate(end)?;
        }
        Ok(sum)
    }

    /// The value, and the derivative with respect to the end of every member, divided by its weight.
    pub fn derivative(&self, paths: &[Path], ends: &[Matrix]) -> Result<(f64, Vec<Matrix>), Fault> {
        let mut sum = 0.0;
        let mut derivatives = Vec::with_capacity(ends.len());
        if !self.kind.each {
            for whole in &self.evaluations {
                let (value, derivative) = whole.differentiate(&mean(paths, ends))?;
                sum += value;
                derivatives = vec![derivative; ends.len()];
            }
            return Ok((sum, derivatives));
        }
        for ((path, end), own) in paths.iter().zip(ends).zip(&self.evaluations) {
            let (value, derivative) = own.differentiate(end)?;
            sum += path.weight * value;
            derivatives.push(derivative);
        }
        Ok((sum, derivatives))
    }
}

/// Columns are the states of the space in the whole product space; `None` if they are the same.
fn embedding(space: &Space) -> Option<Matrix> {
    let unit = |k: usize| {
        let mut psi = Vector::zeros(space.len());
        psi[k] = real(1.0);
        match space.embedded(&State::Pure(psi)) {
            State::Pure(whole) => whole,
            State::Mixed(_) => Vector::zeros(0),
        }
    };
    (!space.is_whole()).then(|| Matrix::from_columns(&(0..space.len()).map(unit).collect::<Vec<_>>()))
}

/// An observable with the context in which it is evaluated.
struct Evaluation {
    of: Of,
    observable: Observable,
    context: RunContext,
    embedding: Option<Matrix>,
}

impl Evaluation {
    fn evaluate(&self, end: &Matrix) -> Result<f64, Fault> {
        let (state, propagator) = self.parts(end);
        // Shapes differ between evaluations, so no cached spectrum may be reused.
        let moment = self.context.moment(&state, None, None).in_unitary_part(None);
        let moment = match propagator {
            Some(u) => moment.with_propagator(Ok(u)),
            None => moment,
        };
        self.observable.answer(Some(&moment), &BTreeMap::new()).map_err(|refusal| {
            let why = match refusal {
                EvalError::Undefined(why) => why.to_string(),
                EvalError::NotFinite(x) => format!("it is {x}"),
            };
            undefined(&self.observable.key, &why)
        })
    }

    /// The state at the end, or that as prepared beside the propagator.
    fn parts<'m>(&self, end: &'m Matrix) -> (State, Option<&'m Matrix>) {
        match self.of {
            Of::State => (State::Mixed(end.clone()), None),
            Of::Propagator => (self.context.scene.initial.clone(), Some(end)),
        }
    }

    /// The value and its derivative: `G` with `df = Tr[G drho]` for every traceless Hermitian `drho`, in closed form if available,
    /// otherwise by fourth-order finite differences; or `W` with `df = Re Tr[W dU]`.
    fn differentiate(&self, end: &Matrix) -> Result<(f64, Matrix), Fault> {
        let (state, propagator) = self.parts(end);
        let moment = self.context.moment(&state, None, None).in_unitary_part(None);
        let observable = &self.observable;
        let found = match propagator {
            Some(u) => observable.derivative_by_propagator(&moment.with_propagator(Ok(u))),
            None => observable.derivative(&moment).map(|(value, g)| (value, self.inside(g))),
        };
        match found.filter(|(_, g)| g.iter().all(|x| x.is_finite())) {
            Some(found) => Ok(found),
            None if self.of == Of::Propagator => {
                let message = format!("`{}` has no gradient with respect to a shape", observable.expr);
                Err(Diagnostic::without_place(Code::Contradiction, message)
                    .help("of the metrics of the evolution, `gate_fidelity` has one")
                    .into())
            }
            None => Ok((self.evaluate(end)?, self.by_differences(end)?)),
        }
    }

    /// A derivative in the whole product space, in that of the states.
    fn inside(&self, g: Matrix) -> Matrix {
        match &self.embedding {
            Some(columns) if g.nrows() == columns.nrows() => product(&product(&adjoint(columns), &g), columns),
            _ => g,
        }
    }

    fn by_differences(&self, rho: &Matrix) -> Result<Matrix, Fault> {
        let n = rho.nrows();
        if n > MOST_BY_DIFFERENCES {
            let message = format!(
                "`{}` has no derivative in closed form, and finite differences are taken for up to {MOST_BY_DIFFERENCES} states; this system has {n}",
                self.observable.expr
            );
            return Err(Diagnostic::without_place(Code::TooLarge, message)
                .help("optimise an energy, an expectation value, a population or a fidelity")
                .into());
        }
        let even = C64::new(1.0 / n as f64, 0.0);
        let deviation = rho - identity(n) * even;
        // Relative to the deviation from the maximally mixed state, which may be 1e-5 of the state: rounding leaves an error of about
        // 1e-7 of the derivative, and four-point differences have no second-order error.
        let size = 2e-3 * deviation.iter().map(|x| x.norm()).fold(0.0, f64::max).max(1e-300);
        let along = |direction: &dyn Fn(&mut Matrix, f64)| -> Result<f64, Fault> {
            let at = |by: f64| {
                let mut moved = rho.clone();
                direction(&mut moved, by);
                self.evaluate(&moved)
            };
            let (near, far) = (at(size)? - at(-size)?, at(2.0 * size)? - at(-2.0 * size)?);
            Ok((8.0 * near - far) / (12.0 * size))
        };
        let mut g = Matrix::zeros(n, n);
        for i in 0..n {
            g[(i, i)] = real(along(&|m, by| {
                m[(i, i)] += by;
                (0..n).for_each(|k| m[(k, k)] -= by * even);
            })?);
            for j in 0..i {
                let even = along(&|m, by| {
                    m[(j, i)] += by;
                    m[(i, j)] += by;
                })?;
                let odd = along(&|m, by| {
                    m[(j, i)] += I * by;
                    m[(i, j)] -= I * by;
                })?;
                g[(i, j)] = C64::new(0.5 * even, -0.5 * odd);
                g[(j, i)] = g[(i, j)].conj();
            }
        }
        Ok(g)
    }
}

fn mean(paths: &[Path], states: &[Matrix]) -> Matrix {
    let mut weighted = paths.iter().zip(states).map(|(path, rho)| rho * real(path.weight));
    let first = weighted.next().unwrap_or_else(|| Matrix::zeros(0, 0));
    weighted.fold(first, |sum, rho| sum + rho)
}

fn undefined(key: &str, why: &str) -> Fault {
    Diagnostic::without_place(Code::UnknownResult, format!("`{key}` is undefined: {why}")).into()
}
