//! The sequence of a member up to a mark, split into pieces independent of the shape and pieces linear in its steps.

use super::super::context::RunContext;
use super::super::generator::Generator;
use super::super::integrate::{Integrator, failed};
use super::super::projection::Projection;
use super::super::settings::Options;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Control, Fault, Kick, Project, Reset, Segment, ShapeSteps, ShapeUse, Step};
use crate::linalg::{Matrix, Vector, identity, power, product, real};
use crate::source::Place;
use crate::spin::{Operator, Sparse, State};
use std::ops::Range;

/// Maximum number of pieces from `prepare` to the mark.
const MOST_PIECES: usize = 100_000;

/// One piece of the sequence.
pub(super) enum PathPiece {
    /// `rho -> U rho U^+`.
    Unitary(Matrix),
    /// Removal of part of the state.
    Projection(Projection),
    /// Steps of the shape.
    Shaped(ShapedPiece),
}

/// Consecutive steps of the shape: `H_k = h + x_k X + y_k Y` for the duration of a step.
pub(super) struct ShapedPiece {
    pub h: Matrix,
    pub x: Matrix,
    pub y: Matrix,
    /// Range of step indices.
    pub numbers: Range<usize>,
    /// Duration of a step, s; 1 for a transient, whose X and Y are angles.
    pub duration: f64,
}

/// A member of the ensemble: weight, initial state, and the pieces up to the mark.
pub(super) struct Path {
    pub weight: f64,
    pub start: Matrix,
    pub pieces: Vec<PathPiece>,
}

/// X and Y of all fields that follow a shape.
pub(super) fn controls(steps: &[Step], shape: usize) -> Vec<Operator> {
    let of = |used: &ShapeUse| used.steps.iter().flat_map(|s| [(*s.x).clone(), (*s.y).clone()]).collect::<Vec<_>>();
    let mut found = Vec::new();
    for step in steps {
        match step {
            Step::Segment(segment) => {
                found.extend(segment.controls.iter().filter_map(|c| follows(c, shape)).flat_map(of))
            }
            Step::Kick(kick) => found.extend(kick.shape.iter().filter(|used| used.shape == shape).flat_map(of)),
            Step::Loop(_, body) => found.extend(controls(body, shape)),
            Step::Strobe(strobe) => strobe.runs.iter().for_each(|(_, body)| found.extend(controls(body, shape))),
            Step::Acquire(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Project(_)
            | Step::Mark(_)
            | Step::Tomography(_) => {}
        }
    }
    found
}

/// How a control follows the shape with this index; `None` if it does not.
fn follows(control: &Control, shape: usize) -> Option<&ShapeUse> {
    control.shape.as_ref().filter(|used| used.shape == shape)
}

/// Builds a path.
pub(super) struct PathBuilder<'a> {
    context: &'a RunContext,
    options: &'a Options,
    /// Index of the shape.
    shape: usize,
    pieces: Vec<PathPiece>,
}

impl<'a> PathBuilder<'a> {
    pub(super) fn new(context: &'a RunContext, options: &'a Options, shape: usize) -> PathBuilder<'a> {
        PathBuilder { context, options, shape, pieces: vec![] }
    }

    /// The pieces; `None` if none of them contains the shape.
    pub(super) fn shaped_pieces(self) -> Option<Vec<PathPiece>> {
        let shaped = self.pieces.iter().any(|piece| matches!(piece, PathPiece::Shaped(_)));
        shaped.then_some(self.pieces)
    }

    /// Adds pieces up to a mark, or all of them if no mark is given. Returns true if the mark was found.
    pub(super) fn until(&mut self, steps: &[Step], mark: Option<&str>) -> Result<bool, Fault> {
        for step in steps {
            if matches!((step, mark), (Step::Mark(name), Some(mark)) if name == mark) {
                return Ok(true);
            }
            self.step(step)?;
        }
        Ok(false)
    }

    fn step(&mut self, step: &Step) -> Result<(), Fault> {
        if self.pieces.len() >= MOST_PIECES {
            let message = format!("there are more than {MOST_PIECES} steps before the mark");
            return Err(Diagnostic::without_place(Code::TooLarge, message).into());
        }
        let removed = Projection::of(step, self.context.space()).map_err(|(place, e)| failed(place, &e.to_string()))?;
        if let Some(projection) = removed {
            self.pieces.push(PathPiece::Projection(projection));
            return Ok(());
        }
        match step {
            Step::Segment(segment) => self.segment(segment),
            Step::Acquire(acquire) => self.segment(&acquire.segment),
            Step::Kick(kick) => self.kick(kick),
            Step::Loop(count, body) => self.repeated(*count, body),
            Step::Strobe(strobe) => strobe.runs.iter().try_for_each(|(count, body)| self.repeated(*count, body)),
            Step::Reset(Reset { place, .. }) | Step::Project(Project { place, .. }) => {
                let message = "gradients are not computed through a `reset` or a `project`";
                Err(Diagnostic::new(Code::NotEmulated, place.span(), message).label("before the mark").into())
            }
            Step::Crush(_) | Step::Dephase(..) | Step::Mark(_) | Step::Tomography(_) => Ok(()),
        }
    }

    /// A loop body independent of the shape becomes a power of one propagator.
    fn repeated(&mut self, count: u64, body: &[Step]) -> Result<(), Fault> {
        let before = self.pieces.len();
        self.until(body, None)?;
        if let Some(once) = self.pieces.get(before..).and_then(|body| unitary(body, self.context.space().len())) {
            self.pieces.truncate(before);
            self.pieces.push(PathPiece::Unitary(power(&once, count)));
            return Ok(());
        }
        if count == 0 {
            self.pieces.truncate(before);
        }
        for _ in 1..count {
            self.until(body, None)?;
        }
        Ok(())
    }

    fn kick(&mut self, kick: &Kick) -> Result<(), Fault> {
        match kick.shape.as_ref().filter(|used| used.shape == self.shape) {
            None => {
                let u = self.propagator(&kick.as_segment())?;
                self.pieces.push(PathPiece::Unitary(u));
            }
            Some(used) => {
                let steps = used.steps.as_ref().ok_or_else(|| not_linear(kick.place))?;
                let n = self.context.space().len();
                let (x, y) = (self.dense(&steps.x), self.dense(&steps.y));
                let numbers = steps.numbers.clone();
                self.pieces.push(PathPiece::Shaped(ShapedPiece {
                    h: Matrix::zeros(n, n),
                    x,
                    y,
                    numbers,
                    duration: 1.0,
                }));
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment) -> Result<(), Fault> {
        if !segment.relaxing.is_empty() {
            let message = "the state relaxes here, but gradients are supported only without relaxation";
            return Err(Diagnostic::new(Code::Contradiction, segment.place.span(), message)
                .label("relaxation or noise")
                .help("optimise the shape without relaxation, then run the optimised shape with it")
                .into());
        }
        let (shaped, fixed): (Vec<&Control>, Vec<&Control>) =
            segment.controls.iter().partition(|control| follows(control, self.shape).is_some());
        if shaped.is_empty() {
            let u = self.propagator(segment)?;
            self.pieces.push(PathPiece::Unitary(u));
            return Ok(());
        }
        let linear = || not_linear(segment.place);
        let steps = shaped.into_iter().map(|control| follows(control, self.shape)?.steps.as_ref());
        let steps: Vec<&ShapeSteps> = steps.collect::<Option<_>>().ok_or_else(linear)?;
        let rest = Segment { controls: fixed.into_iter().cloned().collect(), record: None, ..segment.clone() };
        let Some(first) = steps.first().filter(|_| rest.terms().all(|(c, _)| c.constant().is_some())) else {
            return Err(linear());
        };
        // Channels that follow the shape simultaneously have the same steps.
        if steps.iter().any(|other| other.numbers != first.numbers) || first.numbers.is_empty() {
            return Err(linear());
        }
        let sum = |of: fn(&ShapeSteps) -> &Operator| {
            let all = steps.iter().map(|s| self.dense(of(s)));
            all.reduce(|a, b| a + b).unwrap_or_else(|| Matrix::zeros(0, 0))
        };
        let (x, y) = (sum(|s| &s.x), sum(|s| &s.y));
        let h = Generator::of(&rest, self.context.space()).hamiltonian(0.0);
        let (numbers, duration) = (first.numbers.clone(), segment.duration / first.numbers.len() as f64);
        self.pieces.push(PathPiece::Shaped(ShapedPiece { h, x, y, numbers, duration }));
        Ok(())
    }

    fn dense(&self, operator: &Operator) -> Matrix {
        Sparse::of(operator, self.context.space()).dense()
    }

    /// Propagator of a closed segment, computed column by column with the method of a run.
    fn propagator(&self, segment: &Segment) -> Result<Matrix, Fault> {
        let n = self.context.space().len();
        let step = Step::Segment(Segment { record: None, ..segment.clone() });
        let mut integrator = Integrator::new(self.context, self.options);
        let mut u = Matrix::zeros(n, n);
        for column in 0..n {
            let mut psi = Vector::zeros(n);
            psi.iter_mut().skip(column).take(1).for_each(|x| *x = real(1.0));
            if let State::Pure(psi) = integrator.step_member(&step, State::Pure(psi))? {
                u.set_column(column, &psi);
            }
        }
        Ok(u)
    }
}

fn not_linear(place: Place) -> Fault {
    let message = "the rf of this pulse is not linear in the steps of its shape, so there is no gradient";
    Diagnostic::new(Code::Contradiction, place.span(), message)
        .label("its rf varies within a step")
        .help(
            "optimise the shape without `offset`, `modulation`, `rise_time`, `droop_time`, pulses that end within a step, and the amplitude \
             and phase steps of a spectrometer; then run the optimised shape with them",
        )
        .into()
}

/// Product of the pieces, if all of them are unitary.
fn unitary(pieces: &[PathPiece], n: usize) -> Option<Matrix> {
    pieces.iter().try_fold(identity(n), |before, piece| match piece {
        PathPiece::Unitary(u) => Some(product(u, &before)),
        PathPiece::Projection(_) | PathPiece::Shaped(_) => None,
    })
}
