//! Least-squares fit of parameters to measured results, with standard errors.
//!
//! Levenberg-Marquardt on the residuals `(model - measured)/error`, with derivatives propagated with the state where the experiment has them, otherwise with
//! central differences. Bounds are imposed by the change of variables
//! `p = low + (high - low)(1 + sin u)/2`, as in MINUIT. The covariance of the parameters is `(J^T J)^-1`; for data without errors it is
//! scaled by the reduced chi square, `chi^2/(m - n)`.

use super::derivatives::{ByRanges, Derivatives};
use super::halton::halton;
use super::question::Question;
use super::range::{Range, check, share, unbounded};
use crate::diagnostic::{Code, Diagnostic};
use crate::emulator::{Emulator, Options, Request};
use crate::hamiltonian::{Fault, Values};
use crate::ir::Experiment;
use crate::linalg::{Matrix, hermitian_eigen, real};
use crate::syntax::Expr;
use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::{DMatrix, DVector, Dyn, Owned};
use rayon::prelude::*;
use std::cell::Cell;

/// Measured points of one result.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// The parameter that varies from point to point.
    pub parameter: String,
    /// The result, an expression as in `expect`.
    pub expr: Expr,
    /// The mark at which it was measured.
    pub at: Option<String>,
    /// (parameter value, measured result, its error if given).
    pub points: Vec<(f64, f64, Option<f64>)>,
}

/// Result of a fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Parameters and their standard errors, in the order of the ranges.
    pub values: Vec<(f64, f64)>,
    /// Correlation matrix of the parameters.
    pub correlation: Vec<Vec<f64>>,
    /// Sum of squared residuals, in units of the errors if given.
    pub chi_square: f64,
    /// Degrees of freedom: number of points minus number of parameters.
    pub freedom: usize,
    /// True if all points have errors.
    pub weighted: bool,
    /// Model values at the points, curve by curve.
    pub model: Vec<Vec<f64>>,
    /// True for a parameter on one of its bounds, where its error is meaningless.
    pub bound: Vec<bool>,
    /// True for a parameter with zero first-order effect on the results, which has no error.
    pub stationary: Vec<bool>,
    /// How derivatives were computed.
    pub derivatives: Derivatives,
    /// Number of evaluations of all points: without and with derivatives.
    pub models: (usize, usize),
}

struct Problem<'a> {
    emulator: Emulator<'a>,
    given: &'a Values,
    options: &'a Options,
    ranges: &'a [Range],
    data: &'a [Data],
    u: DVector<f64>,
    gradients: ByRanges<'a>,
    derivatives: Derivatives,
    /// Number of evaluations of all points: without and with derivatives.
    counted: [Cell<usize>; 2],
}

impl Problem<'_> {
    /// The values of all parameters at a point of a curve.
    fn values(&self, u: &DVector<f64>, (d, x): (&Data, f64)) -> Values {
        let own = self.ranges.iter().zip(u.iter()).map(|(r, u)| (r.name.clone(), r.at(share(*u))));
        let given = self.given.iter().map(|(name, x)| (name.clone(), *x));
        given.chain(own).chain([(d.parameter.clone(), x)]).collect()
    }

    fn points(&self) -> Vec<(&Data, f64, f64)> {
        self.data.iter().flat_map(|d| d.points.iter().map(move |p| (d, p.0, p.2.unwrap_or(1.0)))).collect()
    }

    /// The derivatives of the residuals with respect to the variables, exact; `None` where one does not exist.
    fn exact_jacobian(&self) -> Option<DMatrix<f64>> {
        self.counted.iter().skip(1).for_each(|count| count.set(count.get() + 1));
        let (ranges, gradients, u) = (self.ranges, &self.gradients, &self.u);
        let all: Vec<(Values, Request, f64)> = (self.points().into_iter())
            .map(|(d, x, error)| (self.values(u, (d, x)), Request { expr: d.expr.clone(), at: d.at.clone() }, error))
            .collect();
        let row = |(values, request, error): &(Values, Request, f64)| -> Option<Vec<f64>> {
            let found = gradients.at(values, request)?;
            let own = found.gradient.iter().zip(ranges).zip(u.iter());
            Some(own.map(|((derivative, r), u)| 0.5 * derivative * (r.high - r.low) * u.cos() / error).collect())
        };
        let rows: Option<Vec<Vec<f64>>> = all.par_iter().map(row).collect();
        let flat = rows?.concat();
        Some(DMatrix::from_row_slice(flat.len() / u.len(), u.len(), &flat))
    }

    /// Model values at all points.
    fn model(&self, u: &DVector<f64>) -> Result<Vec<f64>, Fault> {
        self.counted.iter().take(1).for_each(|count| count.set(count.get() + 1));
        let values: Vec<(String, f64)> =
            self.ranges.iter().zip(u.iter()).map(|(r, u)| (r.name.clone(), r.at(share(*u)))).collect();
        let all: Vec<(&Data, f64)> = self.data.iter().flat_map(|d| d.points.iter().map(move |p| (d, p.0))).collect();
        let (emulator, given, options) = (&self.emulator, self.given, self.options);
        all.par_iter()
            .map(|(d, x)| {
                let question = Question {
                    emulator,
                    given,
                    options,
                    request: [Request { expr: d.expr.clone(), at: d.at.clone() }],
                };
                let own = values.iter().cloned().chain([(d.parameter.clone(), *x)]);
                question.answer(own)?.ok_or_else(|| {
                    let message = format!("`{}` is undefined at {} = {x}", d.expr, d.parameter);
                    Diagnostic::without_place(Code::UnknownResult, message).into()
                })
            })
            .collect()
    }

    fn weigh(&self, model: &[f64]) -> DVector<f64> {
        let points = self.data.iter().flat_map(|d| &d.points);
        let residuals = model.iter().zip(points).map(|(m, (_, y, error))| (m - y) / error.unwrap_or(1.0));
        DVector::from_iterator(model.len(), residuals)
    }
}

impl LeastSquaresProblem<f64, Dyn, Dyn> for Problem<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, Dyn>;
    type ParameterStorage = Owned<f64, Dyn>;

    fn set_params(&mut self, u: &DVector<f64>) {
        self.u.copy_from(u);
    }

    fn params(&self) -> DVector<f64> {
        self.u.clone()
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        self.model(&self.u).ok().map(|m| self.weigh(&m))
    }

    #[expect(clippy::indexing_slicing, reason = "k is within the number of variables of the problem")]
    fn jacobian(&self) -> Option<DMatrix<f64>> {
        if self.derivatives == Derivatives::Propagated
            && let Some(exact) = self.exact_jacobian()
        {
            return Some(exact);
        }
        // Cube root of the machine epsilon, the optimal step of central differences.
        const STEP: f64 = 6e-6;
        let columns = (0..self.u.len()).map(|k| {
            let moved = |by: f64| {
                let mut u = self.u.clone();
                u[k] += by;
                self.model(&u).ok().map(|m| self.weigh(&m))
            };
            Some((moved(STEP)? - moved(-STEP)?) / (2.0 * STEP))
        });
        let columns: Option<Vec<DVector<f64>>> = columns.collect();
        columns.map(|c| DMatrix::from_columns(&c))
    }
}

/// Fits parameters to data.
///
/// # Errors
/// When there are fewer points than parameters, a point is not finite, the experiment fails, or the data do not determine a parameter.
pub fn fit(
    experiment: &Experiment,
    given: &Values,
    options: &Options,
    ranges: &[Range],
    data: &[Data],
) -> Result<Fit, Fault> {
    check(experiment, given, ranges)?;
    let wrong = |code: Code, message: String| -> Fault { Diagnostic::without_place(code, message).into() };
    let (m, n) = (data.iter().map(|d| d.points.len()).sum::<usize>(), ranges.len());
    if m < n {
        return Err(wrong(Code::Contradiction, format!("{m} points do not determine {n} parameters")));
    }
    let all = || data.iter().flat_map(|d| &d.points);
    if all().any(|(x, y, e)| !x.is_finite() || !y.is_finite() || e.is_some_and(|e| e.is_nan() || e <= 0.0)) {
        return Err(wrong(Code::OutOfRange, "a measured point is not a number, or its error is not positive".into()));
    }
    if let Some(d) = data.iter().find(|d| ranges.iter().any(|r| r.name == d.parameter)) {
        return Err(wrong(Code::Contradiction, format!("`{}` is both the measured parameter and varied", d.parameter)));
    }
    let gradients = ByRanges::new(experiment, options, ranges);
    let mut problem = Problem {
        emulator: Emulator::new(experiment),
        given,
        options,
        ranges,
        data,
        u: DVector::zeros(n),
        gradients,
        derivatives: Derivatives::Propagated,
        counted: Default::default(),
    };
    problem.derivatives = derivatives(&problem);
    // Multistart: evaluate Halton points, then minimise from the best three; if all fail, report the first failure.
    let mut seen: Vec<(f64, DVector<f64>)> = Vec::new();
    let mut why = None;
    for k in 0..8 * n {
        let u = DVector::from_iterator(n, halton(k, n).into_iter().map(unbounded));
        match problem.model(&u) {
            Ok(model) => seen.push((problem.weigh(&model).norm_squared(), u)),
            Err(diagnostic) => why = why.or(Some(diagnostic)),
        }
    }
    seen.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut best: Option<(f64, DVector<f64>)> = None;
    for (_, start) in seen.into_iter().take(3) {
        problem.u = start;
        let (done, report) = LevenbergMarquardt::new().with_patience(100).minimize(problem);
        problem = done;
        let chi = 2.0 * report.objective_function;
        if chi.is_finite() && best.as_ref().is_none_or(|(b, _)| chi < *b) {
            best = Some((chi, problem.u.clone()));
        }
    }
    let Some((chi_square, u)) = best else {
        return Err(why.unwrap_or_else(|| {
            wrong(Code::NotConverged, "the model cannot be computed at any starting point".into())
        }));
    };
    problem.u = u;
    let chi_square = on_bounds(&mut problem, chi_square)?;
    finish(&problem, chi_square)
}

/// How the derivatives of all results are computed.
fn derivatives(problem: &Problem) -> Derivatives {
    for d in problem.data {
        let request = Request { expr: d.expr.clone(), at: d.at.clone() };
        let n = problem.ranges.len();
        let starts = (0..8 * n).map(|k| DVector::from_iterator(n, halton(k, n).into_iter().map(unbounded)));
        let middle = d.points.get(d.points.len() / 2).map_or(0.0, |p| p.0);
        let found = problem.gradients.kind(starts.map(|u| problem.values(&u, (d, middle))), &request);
        if found != Derivatives::Propagated {
            return found;
        }
    }
    Derivatives::Propagated
}

/// Parameters closer to a bound than this fraction of their range count as on the bound.
const ON_BOUND: f64 = 1e-6;

/// Moves parameters close to a bound onto it if chi square does not increase: where the result is stationary at the bound, the minimiser
/// stops short of it. Returns the sum of squares.
#[expect(clippy::indexing_slicing, reason = "k is within the number of variables of the problem")]
fn on_bounds(problem: &mut Problem, mut chi_square: f64) -> Result<f64, Fault> {
    // A parameter within NEAR of a bound (fraction of its range) is moved; chi square may increase by FREE of a squared standard error.
    const NEAR: f64 = 0.02;
    const FREE: f64 = 1e-4;
    let points = || problem.data.iter().flat_map(|d| &d.points);
    let (many, size) = (points().count(), points().map(|(_, y, e)| (y / e.unwrap_or(1.0)).powi(2)).sum::<f64>());
    let weighted = points().all(|p| p.2.is_some());
    let variance = if weighted { 1.0 } else { chi_square / many.saturating_sub(problem.u.len()).max(1) as f64 };
    for k in 0..problem.u.len() {
        let own = share(problem.u[k]);
        let end = if own < 0.5 { 0.0 } else { 1.0 };
        if (own - end).abs() > NEAR || (own - end).abs() < ON_BOUND {
            continue;
        }
        let mut moved = problem.u.clone();
        moved[k] = unbounded(end);
        let chi = problem.weigh(&problem.model(&moved)?).norm_squared();
        if chi <= chi_square + FREE * variance + 1e-18 * size {
            problem.u = moved;
            chi_square = chi;
        }
    }
    Ok(chi_square)
}

/// Which parameters change the results only to second order.
#[expect(clippy::indexing_slicing, reason = "free contains indices of variables of the problem")]
fn stationary(problem: &Problem, jacobian: &DMatrix<f64>, free: &[usize]) -> Result<Vec<bool>, Fault> {
    // Displacement of a parameter, and the fraction of the resulting change below which its first-order part counts as zero.
    const FAR: f64 = 0.5;
    const NOTHING: f64 = 1e-7;
    let here = problem.weigh(&problem.model(&problem.u)?);
    let mut out = vec![false; problem.u.len()];
    for &k in free {
        let change = |by: f64| -> Result<f64, Fault> {
            let mut moved = problem.u.clone();
            moved[k] += by;
            Ok((problem.weigh(&problem.model(&moved)?) - &here).norm_squared())
        };
        let changed = change(FAR)?.max(change(-FAR)?);
        out[k] = FAR * FAR * jacobian.column(k).norm_squared() < NOTHING * changed;
    }
    Ok(out)
}

#[expect(
    clippy::indexing_slicing,
    reason = "free contains parameter indices and is not empty, the eigenproblem has its size, and every parameter has a range, a \
              variable, a value and a row of correlations"
)]
fn finish(problem: &Problem, chi_square: f64) -> Result<Fit, Fault> {
    let (ranges, data, n) = (problem.ranges, problem.data, problem.ranges.len());
    let m: usize = data.iter().map(|d| d.points.len()).sum();
    let weighted = data.iter().flat_map(|d| &d.points).all(|p| p.2.is_some());
    let model = problem.model(&problem.u)?;
    let shares: Vec<f64> = problem.u.iter().map(|u| share(*u)).collect();
    let bound: Vec<bool> = shares.iter().map(|s| *s < ON_BOUND || *s > 1.0 - ON_BOUND).collect();
    let undetermined = || -> Fault {
        let names: Vec<&str> = ranges.iter().map(|r| r.name.as_str()).collect();
        Diagnostic::without_place(
            Code::NotConverged,
            format!("the data do not determine {} independently", names.join(", ")),
        )
        .help("vary fewer parameters, or use data that depend on all of them")
        .into()
    };
    let jacobian = problem.jacobian().ok_or_else(undetermined)?;
    // On a bound the derivative of the change of variables vanishes; such parameters are treated as fixed.
    let mut free: Vec<usize> = (0..n).filter(|k| !bound[*k]).collect();
    let stationary = stationary(problem, &jacobian, &free)?;
    free.retain(|k| !stationary[*k]);
    let normal =
        Matrix::from_fn(free.len(), free.len(), |i, j| real(jacobian.column(free[i]).dot(&jacobian.column(free[j]))));
    let mut values: Vec<(f64, f64)> = ranges.iter().zip(&shares).map(|(r, s)| (r.at(*s), 0.0)).collect();
    let mut correlation = vec![vec![0.0; n]; n];
    if !free.is_empty() {
        let eigen = hermitian_eigen(&normal).map_err(|_| undetermined())?;
        let largest = eigen.values.last().copied().unwrap_or(0.0);
        if eigen.values[0] <= 1e-12 * largest {
            return Err(undetermined());
        }
        let inverse = eigen.function(|x| real(1.0 / x));
        let scale = if weighted { 1.0 } else { chi_square / m.saturating_sub(n).max(1) as f64 };
        for (i, &a) in free.iter().enumerate() {
            let from_angle = 0.5 * (ranges[a].high - ranges[a].low) * problem.u[a].cos();
            values[a].1 = (scale * inverse[(i, i)].re).sqrt() * from_angle.abs();
            for (j, &b) in free.iter().enumerate() {
                let signs = problem.u[a].cos().signum() * problem.u[b].cos().signum();
                correlation[a][b] = signs * inverse[(i, j)].re / (inverse[(i, i)].re * inverse[(j, j)].re).sqrt();
            }
        }
    }
    let mut rest = model.into_iter();
    let model = data.iter().map(|d| rest.by_ref().take(d.points.len()).collect()).collect();
    let derivatives = problem.derivatives.clone();
    let [models, gradients] = &problem.counted;
    let models = (models.get(), gradients.get());
    Ok(Fit { values, correlation, chi_square, freedom: m - n, weighted, model, bound, stationary, derivatives, models })
}
