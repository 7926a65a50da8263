//! How a result changes with every step of a pulse shape, exactly: gradient ascent pulse engineering (Khaneja, Reiss, Kehlet,
//! Schulte-Herbruggen, Glaser, J. Magn. Reson. 172, 296).
//!
//! A step k of amplitude and phase `(a, phi)` has `H_k = H_0 + x C_x + y C_y` with `x + i y = a exp(i phi)` and lasts `tau`. The state
//! goes forward through all steps, the slope `G = df/drho` of the result backward, and where they meet
//!
//! ```text
//! df/dx_k = 2 Re Tr[G_k (dU_k/dx) rho_(k-1) U_k^+]
//! dU/dx   = V ((V^+ C_x V) o Phi) V^+,  Phi_ij = (exp(-i l_i tau) - exp(-i l_j tau)) / (l_i - l_j),  Phi_ii = -i tau exp(-i l_i tau)
//! ```
//!
//! with the eigenvalues l and eigenvectors V of `H_k` (Najfeld and Havel, Adv. Appl. Math. 16, 321). The usual short cut, which takes
//! `-i tau C U` for `dU/dx`, is wrong in second order of the step and stalls climbs near the top; it is not taken. `H_0` and `C` are read
//! from schedules, so offsets, couplings, rf strengths and channels of a file count as they do in a run.

#![expect(
    clippy::indexing_slicing,
    reason = "a shape is found by its number, there are four probes and one schedule at least, and pieces have as many turns \
              as the shape has steps"
)]

use super::context::RunContext;
use super::generator::Generator;
use super::integrate::{Integrator, failed};
use super::members::evaluator;
use super::motion::mean_state;
use super::observable::{EvalError, Observable, aggregates, member_means};
use super::projection::Projection;
use super::request::Requests;
use super::sectors;
use super::settings::Options;
use super::setup::open_context;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault, Schedule, Segment, Step, Values, build, members, prepare};
use crate::ir::{Experiment, key_of};
use crate::linalg::{C64, I, Matrix, ZERO, conjugate, conjugate_back, hermitian_eigen, power, product, real};
use crate::source::Place;
use crate::spin::State;
use crate::syntax::{Expr, ExprKind};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Up to this dimension the slope of a result is had, by differences in every direction of the state.
const MOST_STATES: usize = 32;

/// How many pieces the way from `prepare` to the mark may have.
const MOST_PIECES: usize = 100_000;

/// What happens between two moments.
enum PathPiece {
    /// `rho -> U rho U^+`.
    Unitary(Matrix),
    /// A part of the state is lost.
    Cut(Projection),
    /// The shape: `H_0`, `C_x`, `C_y`, and how long a step of it lasts.
    Shaped { h: Matrix, x: Matrix, y: Matrix, step: f64 },
}

/// A member of the ensemble: its weight, its state after `prepare`, and its way to the mark.
struct Path {
    weight: f64,
    start: Matrix,
    pieces: Vec<PathPiece>,
}

/// A result as a function of the steps of a pulse shape.
pub struct PulseObjective {
    paths: Vec<Path>,
    steps: usize,
    context: RunContext,
    observable: Observable,
}

/// The shapes with which a schedule is looked at: full and half height, half height a quarter of a turn on, and a staircase in which
/// no step is like another, for what the first three say must hold for it too.
fn probes(steps: usize) -> [Vec<(f64, f64)>; 4] {
    let staircase = (0..steps).map(|k| {
        let share = (k + 1) as f64 / (steps + 1) as f64;
        (0.2 + 0.7 * share, share)
    });
    [
        vec![(1.0, 0.0); steps],
        vec![(0.5, 0.0); steps],
        vec![(0.5, std::f64::consts::FRAC_PI_2); steps],
        staircase.collect(),
    ]
}

impl PulseObjective {
    /// The landscape of a result at a mark over the shape of this name.
    ///
    /// # Errors
    /// When the file has no such shape or mark, the result is none that has a slope, something relaxes before the mark, the system is
    /// too large, or a pulse does not follow its shape step by step.
    pub fn new(
        experiment: &Experiment,
        given: &Values,
        options: &Options,
        shape: &str,
        goal: (&Expr, Option<&str>),
    ) -> Result<PulseObjective, Fault> {
        let Some(number) = experiment.shapes.iter().position(|s| s.name == shape) else {
            let names = experiment.shapes.iter().map(|s| s.name.as_str());
            let message = format!("the file has no pulse shape `{shape}` that is read from a file");
            return Err(Diagnostic::without_place(Code::UnknownName, message)
                .did_you_mean(shape, names)
                .help(format!("declare one: `shape {shape} = \"{shape}.txt\"`"))
                .into());
        };
        let steps = experiment.shapes[number].steps.len();
        refuse_flip_angles(experiment, shape)?;
        let staircase = probes(steps)[3].clone();
        let probes = probes(steps).map(|probe| {
            let mut changed = experiment.clone();
            changed.shapes[number].steps = probe;
            changed
        });
        let e = Evaluator::new(experiment, given)?;
        let (expr, mark) = goal;
        let observable = observable(&e, expr)?;
        let members = members(&e)?;
        let single = members.len() == 1;
        let mut schedules = Vec::with_capacity(members.len());
        for member in &members {
            let own: Vec<Schedule> = probes
                .iter()
                .map(|probe| Ok(build(&evaluator(probe, given, options, member)?)?.0))
                .collect::<Result<_, Fault>>()?;
            let place = own[0].prepare_place.span();
            let prepared = prepare(&evaluator(experiment, given, options, member)?, &own[0].prepare, place)?;
            schedules.push((own, prepared));
        }
        let (first, prepared) = &schedules[0];
        // The last probe turns about both axes, so its space is that of all shapes.
        let space = match single {
            true => sectors::space(&first[3], prepared, options.max_memory)?,
            false => sectors::whole(&first[3], options.max_memory)?,
        };
        if space.len() > MOST_STATES {
            let message = format!("slopes are had up to {MOST_STATES} states, this system reaches {}", space.len());
            return Err(Diagnostic::without_place(Code::TooLarge, message)
                .help("`ergoseq optimise` looks for parameters of pulses without slopes")
                .into());
        }
        let (declared, _) = build(&e)?;
        let states: Vec<State> = schedules.iter().map(|(_, p)| p.state(&space)).collect();
        let initial = mean_state(members.iter().map(|m| m.weight).zip(&states));
        let mut context =
            open_context(&e, &declared, space, prepared, Arc::new(Requests::Declared(&[]).observables(&e)?))?;
        context.scene.initial = initial;
        let mut paths = Vec::with_capacity(members.len());
        for (member, (own, prepared)) in members.iter().zip(&schedules) {
            let mut way = Setting { context: &context, options, staircase: &staircase, pieces: vec![], shaped: false };
            let all: [&[Step]; 4] = std::array::from_fn(|k| own[k].steps.as_slice());
            let found = way.until(all, mark)?;
            if let Some(mark) = mark.filter(|_| !found) {
                let message = format!("the sequence has no mark `{mark}` outside of loops");
                return Err(Diagnostic::without_place(Code::UnknownResult, message).into());
            }
            if !way.shaped {
                let message = format!("no pulse before the mark has the shape `{shape}`");
                return Err(Diagnostic::without_place(Code::Contradiction, message).into());
            }
            let pieces = way.pieces;
            paths.push(Path { weight: member.weight, start: prepared.state(context.space()).density(), pieces });
        }
        Ok(PulseObjective { paths, steps, context, observable })
    }

    /// How many steps the shape has.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The result for a shape: `x` and `y` of every step, as shares of the peak.
    ///
    /// # Errors
    /// When it has no value there.
    pub fn value(&self, shape: &[(f64, f64)]) -> Result<f64, Fault> {
        let ends: Vec<Matrix> = self
            .paths
            .par_iter()
            .map(|way| {
                let step_propagators = step_propagators(way, shape)?;
                Ok(way
                    .pieces
                    .iter()
                    .fold((way.start.clone(), 0), |(rho, k), piece| through(piece, rho, &step_propagators, k))
                    .0)
            })
            .collect::<Result<_, Fault>>()?;
        self.answer(&self.mean(&ends))
    }

    /// The result and how it changes with `x` and `y` of every step.
    ///
    /// # Errors
    /// When it has no value there.
    pub fn slope(&self, shape: &[(f64, f64)]) -> Result<(f64, Vec<(f64, f64)>), Fault> {
        let forward: Vec<(Vec<Vec<StepPropagator>>, Vec<Matrix>)> = self
            .paths
            .par_iter()
            .map(|way| {
                let step_propagators = step_propagators(way, shape)?;
                let mut states = vec![way.start.clone()];
                let mut k = 0;
                for piece in &way.pieces {
                    let (rho, next) = through(piece, states[states.len() - 1].clone(), &step_propagators, k);
                    states.push(rho);
                    k = next;
                }
                Ok((step_propagators, states))
            })
            .collect::<Result<_, Fault>>()?;
        let ends: Vec<Matrix> =
            forward.iter().map(|(_, states)| states.last().cloned().unwrap_or_else(|| Matrix::zeros(0, 0))).collect();
        let mean = self.mean(&ends);
        let value = self.answer(&mean)?;
        let end = self.slope_of_result(&mean)?;
        let steps = self.steps;
        let own: Vec<Vec<(f64, f64)>> = self
            .paths
            .par_iter()
            .zip(&forward)
            .map(|(way, (step_propagators, states))| backward(way, step_propagators, states, end.clone(), steps))
            .collect();
        let mut sum = vec![(0.0, 0.0); self.steps];
        for (way, slopes) in self.paths.iter().zip(own) {
            for (all, one) in sum.iter_mut().zip(slopes) {
                all.0 += way.weight * one.0;
                all.1 += way.weight * one.1;
            }
        }
        Ok((value, sum))
    }

    fn mean(&self, states: &[Matrix]) -> Matrix {
        let n = self.context.space().len();
        self.paths.iter().zip(states).fold(Matrix::zeros(n, n), |sum, (way, rho)| sum + rho * real(way.weight))
    }

    fn answer(&self, rho: &Matrix) -> Result<f64, Fault> {
        let state = State::Mixed(rho.clone());
        // Shapes differ between evaluations: no spectrum is carried over from one to the next.
        let moment = self.context.moment(&state, None, None).in_unitary_part(None);
        self.observable.answer(Some(&moment), &BTreeMap::new()).map_err(|refusal| {
            let why = match refusal {
                EvalError::Undefined(why) => why.to_string(),
                EvalError::NotFinite(x) => format!("it is {x}"),
            };
            let message = format!("`{}` has no value: {why}", self.observable.key);
            Diagnostic::without_place(Code::UnknownResult, message).into()
        })
    }

    /// `G` with `df = Tr[G drho]` for every traceless Hermitian `drho`, by differences of the fourth order: exact for what is linear or
    /// quadratic in the state, as energies are.
    fn slope_of_result(&self, rho: &Matrix) -> Result<Matrix, Fault> {
        let n = rho.nrows();
        let even = C64::new(1.0 / n as f64, 0.0);
        let deviation = Matrix::from_fn(n, n, |i, j| if i == j { rho[(i, j)] - even } else { rho[(i, j)] });
        // A share of the deviation from the maximally mixed state, which at a polarisation of 1e-5 is all there is: rounding leaves some 1e-7
        // of a slope there, and four points have no error of the second order.
        let size = 2e-3 * deviation.iter().map(|x| x.norm()).fold(0.0, f64::max).max(1e-300);
        let along = |direction: &dyn Fn(&mut Matrix, f64)| -> Result<f64, Fault> {
            let at = |by: f64| {
                let mut moved = rho.clone();
                direction(&mut moved, by);
                self.answer(&moved)
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

/// The question, refused where it is none about a single state.
fn observable(e: &Evaluator, expr: &Expr) -> Result<Observable, Fault> {
    let averaged = !member_means(std::iter::once(expr)).is_empty();
    if averaged || !aggregates(e, expr)?.is_empty() {
        let message = format!("`{expr}` is not a number of the state at one mark, so shapes have no slope of it");
        return Err(Diagnostic::without_place(Code::Contradiction, message)
            .help("ask for a metric at a mark: `--maximise \"ergotropy at charged\"`")
            .into());
    }
    Observable::new(e, key_of(expr), expr)
}

/// A pulse whose rf follows from its flip angle does not grow with its shape.
fn refuse_flip_angles(experiment: &Experiment, shape: &str) -> Result<(), Fault> {
    let named = |expr: &Expr| matches!(&expr.kind, ExprKind::Name(name) if name == shape);
    let pulses = experiment.sequence.iter().flat_map(|event| event.pulses());
    let wrong = pulses.filter(|p| p.angle.is_some() && p.shape.as_ref().is_some_and(named)).map(|p| p.place).next();
    match wrong {
        None => Ok(()),
        Some(place) => {
            let message =
                "the rf of this pulse follows from its flip angle, so it is the same however high its steps are";
            Err(Diagnostic::new(Code::Contradiction, place.span(), message)
                .label("has a flip angle")
                .help("give `rf` and `duration` instead")
                .into())
        }
    }
}

/// The setting up of a way.
struct Setting<'a> {
    context: &'a RunContext,
    options: &'a Options,
    /// The last of the shapes with which it is looked at.
    staircase: &'a [(f64, f64)],
    pieces: Vec<PathPiece>,
    shaped: bool,
}

impl Setting<'_> {
    /// Adds pieces up to a mark; all of them where there is none. Whether the mark was found.
    fn until(&mut self, all: [&[Step]; 4], mark: Option<&str>) -> Result<bool, Fault> {
        let [a, b, c, d] = all;
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            let here = [a, b, c, d];
            if matches!((here[0], mark), (Step::Mark(name), Some(mark)) if name == mark) {
                return Ok(true);
            }
            self.step(here)?;
        }
        Ok(false)
    }

    fn step(&mut self, here: [&Step; 4]) -> Result<(), Fault> {
        if self.pieces.len() >= MOST_PIECES {
            let message = format!("there are more than {MOST_PIECES} steps before the mark");
            return Err(Diagnostic::without_place(Code::TooLarge, message).into());
        }
        let cut = Projection::of(here[0], self.context.space()).map_err(|(place, e)| failed(place, &e.to_string()))?;
        if let Some(projection) = cut {
            self.pieces.push(PathPiece::Cut(projection));
            return Ok(());
        }
        match here {
            [Step::Segment(a), Step::Segment(b), Step::Segment(c), Step::Segment(d)] => self.segment([a, b, c, d]),
            [Step::Acquire(a), Step::Acquire(b), Step::Acquire(c), Step::Acquire(d)] => {
                self.segment([&a.segment, &b.segment, &c.segment, &d.segment])
            }
            [Step::Loop(count, a), Step::Loop(_, b), Step::Loop(_, c), Step::Loop(_, d)] => {
                let before = self.pieces.len();
                self.until([a, b, c, d], None)?;
                let body: Vec<PathPiece> = self.pieces.drain(before..).collect();
                if let Some(once) = unitary(&body, self.context.space().len()) {
                    self.pieces.push(PathPiece::Unitary(power(&once, *count)));
                    return Ok(());
                }
                for _ in 0..*count {
                    self.until([a, b, c, d], None)?;
                }
                Ok(())
            }
            [Step::Kick(kick), ..] => {
                let u = self.matrix(&kick.as_segment())?;
                self.pieces.push(PathPiece::Unitary(u));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn segment(&mut self, probes: [&Segment; 4]) -> Result<(), Fault> {
        let first = probes[0];
        if !first.relaxing.is_empty() {
            let message = "the state relaxes here, and slopes are those of evolution without relaxation";
            return Err(Diagnostic::new(Code::Contradiction, first.place.span(), message)
                .label("relaxation or noise")
                .help("look for the shape without it, and run the shape that was found with it")
                .into());
        }
        let space = self.context.space();
        let generators = probes.map(|segment| Generator::of(segment, space));
        let steps = self.staircase.len();
        let step = first.duration / steps as f64;
        let at = |p: usize, k: usize, share: f64| generators[p].hamiltonian((k as f64 + share) * step);
        let (full, half, quarter) = (at(0, 0, 0.5), at(1, 0, 0.5), at(2, 0, 0.5));
        let h = &half * real(2.0) - &full;
        let x = (&full - &half) * real(2.0);
        let y = (&quarter - &h) * real(2.0);
        let size = full.iter().chain(quarter.iter()).map(|x| x.norm()).fold(0.0, f64::max);
        let same = |a: &Matrix, b: &Matrix| (a - b).iter().all(|x| x.norm() <= 1e-9 * size);
        let differs = (0..steps).any(|k| {
            let first = at(0, k, 0.5);
            (1..4).any(|p| !same(&at(p, k, 0.5), &first))
        });
        if !differs {
            let u = self.matrix(first)?;
            self.pieces.push(PathPiece::Unitary(u));
            return Ok(());
        }
        // In the middle of each step and near its ends.
        let follows = self.staircase.iter().enumerate().all(|(k, (amplitude, phase))| {
            let expected = &h + &x * real(amplitude * phase.cos()) + &y * real(amplitude * phase.sin());
            [0.5, 0.1, 0.9].into_iter().all(|share| same(&at(3, k, share), &expected) && same(&at(0, k, share), &full))
        });
        let zero = Matrix::zeros(h.nrows(), h.ncols());
        if !follows || same(&x, &zero) {
            let message = "this pulse does not follow its shape step by step, so its steps have no slopes";
            return Err(Diagnostic::new(Code::Contradiction, first.place.span(), message)
                .label("something changes within its steps, or it does not grow with its amplitude")
                .help(
                    "look for the shape without `offset`, modulation, transients and the steps of a spectrometer, and run the shape \
                     that was found with them",
                )
                .into());
        }
        self.shaped = true;
        self.pieces.push(PathPiece::Shaped { h, x, y, step });
        Ok(())
    }

    /// The propagator of a closed segment, by the method that a run takes, column by column.
    fn matrix(&self, segment: &Segment) -> Result<Matrix, Fault> {
        let n = self.context.space().len();
        let owned = Segment { record: None, ..segment.clone() };
        let step = Step::Segment(owned);
        let mut walk = Integrator::new(self.context, self.options);
        let mut u = Matrix::zeros(n, n);
        for column in 0..n {
            let mut psi = crate::linalg::Vector::zeros(n);
            psi[column] = real(1.0);
            if let State::Pure(psi) = walk.step_member(&step, State::Pure(psi))? {
                u.set_column(column, &psi);
            }
        }
        Ok(u)
    }
}

/// The product of pieces that only turn.
fn unitary(pieces: &[PathPiece], n: usize) -> Option<Matrix> {
    pieces.iter().try_fold(crate::linalg::identity(n), |before, piece| match piece {
        PathPiece::Unitary(u) => Some(product(u, &before)),
        PathPiece::Cut(_) | PathPiece::Shaped { .. } => None,
    })
}

/// One step of the shape: its propagator, and the eigenvalues and eigenvectors from which its slope follows.
struct StepPropagator {
    u: Matrix,
    values: Vec<f64>,
    vectors: Matrix,
}

/// The steps of every shaped piece of a way.
fn step_propagators(way: &Path, shape: &[(f64, f64)]) -> Result<Vec<Vec<StepPropagator>>, Fault> {
    let mut out = Vec::new();
    for piece in &way.pieces {
        let PathPiece::Shaped { h, x, y, step } = piece else { continue };
        let step_propagators = shape.iter().map(|(a, b)| {
            let now = h + x * real(*a) + y * real(*b);
            let eigen = hermitian_eigen(&now).map_err(|e| failed(Place::default(), &e.to_string()))?;
            Ok(StepPropagator { u: eigen.propagator(*step), values: eigen.values, vectors: eigen.vectors })
        });
        out.push(step_propagators.collect::<Result<Vec<_>, Fault>>()?);
    }
    Ok(out)
}

/// A state behind a piece; `k` is the number of shaped pieces before it.
fn through(piece: &PathPiece, rho: Matrix, step_propagators: &[Vec<StepPropagator>], k: usize) -> (Matrix, usize) {
    match piece {
        PathPiece::Unitary(u) => (conjugate(u, &rho), k),
        PathPiece::Cut(projection) => (projection.apply(&rho), k),
        PathPiece::Shaped { .. } => (step_propagators[k].iter().fold(rho, |rho, turn| conjugate(&turn.u, &rho)), k + 1),
    }
}

/// Slopes of the steps, from the slope at the end back to the beginning.
fn backward(
    way: &Path,
    step_propagators: &[Vec<StepPropagator>],
    states: &[Matrix],
    end: Matrix,
    steps: usize,
) -> Vec<(f64, f64)> {
    let mut out = vec![(0.0, 0.0); steps];
    let mut g = end;
    let mut shaped = step_propagators.len();
    for (piece, before) in way.pieces.iter().zip(states).rev() {
        match piece {
            PathPiece::Unitary(u) => g = conjugate_back(u, &g),
            PathPiece::Cut(projection) => g = projection.apply(&g),
            PathPiece::Shaped { x, y, step, .. } => {
                shaped -= 1;
                let own = &step_propagators[shaped];
                let mut inside = vec![before.clone()];
                own.iter().for_each(|turn| inside.push(conjugate(&turn.u, &inside[inside.len() - 1])));
                for (k, turn) in own.iter().enumerate().rev() {
                    // Tr[G dU rho U^+] = Tr[C V (M' o Phi^T) V^+], M' = V^+ rho U^+ G V.
                    let m = product(&product(&inside[k], &turn.u.adjoint()), &g);
                    let mut m = product(&product(&turn.vectors.adjoint(), &m), &turn.vectors);
                    weigh(&mut m, &turn.values, *step);
                    let z = product(&product(&turn.vectors, &m), &turn.vectors.adjoint());
                    out[k].0 += 2.0 * trace(x, &z);
                    out[k].1 += 2.0 * trace(y, &z);
                    g = conjugate_back(&turn.u, &g);
                }
            }
        }
    }
    out
}

/// Multiplies by `Phi`, entry by entry; it is symmetric.
fn weigh(m: &mut Matrix, values: &[f64], step: f64) {
    for j in 0..m.ncols() {
        for i in 0..m.nrows() {
            // exp(-i (a + b) t/2) (-i t) sinc((a - b) t/2), which is Phi without a difference of nearly equal numbers.
            let (sum, half) = (0.5 * (values[i] + values[j]) * step, 0.5 * (values[i] - values[j]) * step);
            let sinc = if half.abs() < 1e-8 { 1.0 } else { half.sin() / half };
            m[(i, j)] *= C64::cis(-sum) * C64::new(0.0, -step * sinc);
        }
    }
}

/// `Re Tr[C Z]`.
fn trace(c: &Matrix, z: &Matrix) -> f64 {
    let mut sum = ZERO;
    for i in 0..c.nrows() {
        for k in 0..c.ncols() {
            sum += c[(i, k)] * z[(k, i)];
        }
    }
    sum.re
}
