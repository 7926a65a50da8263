//! The sequence of a member up to a mark, split into stages: unitary stretches, relaxation, and removals of part of the state.

use super::super::context::RunContext;
use super::super::engines::liouville::Liouville;
use super::super::generator::Generator;
use super::super::integrate::{Integrator, failed};
use super::super::projection::Projection;
use super::super::settings::Options;
use super::closed::Operation;
use super::open::OpenPiece;
use super::slices::{Follower, ShapedPiece, slices};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Control, Fault, Kick, Project, Reset, Segment, ShapeSteps, ShapeUse, Step};
use crate::linalg::{I, Matrix, Vector, ZERO, identity, norm_squared, power, product, real};
use crate::source::Place;
use crate::spin::{Operator, Sparse, State};

/// Maximum number of pieces from `prepare` to the mark.
const MOST_PIECES: usize = 100_000;

/// Largest number of states for which superoperators are formed.
pub(super) const MOST_RELAXING: usize = 32;

/// A stage of the path of a state.
pub(super) enum Stage {
    /// Unitary evolution.
    Closed(Vec<Operation>),
    /// Removal of part of the state.
    Projection(Projection),
    /// Evolution with relaxation that does not depend on the shapes: a superoperator on stacked density matrices.
    Relaxed(Matrix),
    /// Shaped pulses with relaxation.
    Open(Box<OpenPiece>),
}

impl Stage {
    /// The shaped pieces.
    pub fn shaped(&self) -> Vec<&ShapedPiece> {
        match self {
            Stage::Closed(operations) => operations.iter().filter_map(Operation::shaped).collect(),
            Stage::Open(open) => vec![&open.piece],
            Stage::Projection(_) | Stage::Relaxed(_) => vec![],
        }
    }
}

/// A member of the ensemble: weight, initial state, and the stages up to the mark.
pub(super) struct Path {
    pub weight: f64,
    pub start: Matrix,
    pub stages: Vec<Stage>,
}

impl Path {
    /// The operations, if the whole path is unitary.
    pub fn unitary(&self) -> Option<&[Operation]> {
        match self.stages.as_slice() {
            [Stage::Closed(operations)] => Some(operations),
            _ => None,
        }
    }
}

/// The steps of all shapes of an experiment, one shape after another.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Index of the first step and number of steps of every shape of the experiment.
    pub shapes: Vec<(usize, usize)>,
    /// Indices of the shapes that are optimised.
    pub free: Vec<usize>,
}

/// X and Y of all fields that follow any shape.
pub(super) fn controls(steps: &[Step]) -> Vec<Operator> {
    let of = |used: &ShapeUse| used.steps.iter().flat_map(|s| [(*s.x).clone(), (*s.y).clone()]).collect::<Vec<_>>();
    let mut found = Vec::new();
    for step in steps {
        match step {
            Step::Segment(segment) => {
                found.extend(segment.controls.iter().filter_map(|c| c.shape.as_deref()).flat_map(of));
            }
            Step::Kick(kick) => found.extend(kick.shape.as_deref().into_iter().flat_map(of)),
            Step::Loop(_, body) => found.extend(controls(body)),
            Step::Strobe(strobe) => strobe.runs.iter().for_each(|(_, body)| found.extend(controls(body))),
            Step::Acquire(_)
            | Step::Crush(_)
            | Step::Dephase(..)
            | Step::Reset(_)
            | Step::Project(_)
            | Step::Feedback(_)
            | Step::Mark(_)
            | Step::Tomography(_) => {}
        }
    }
    found
}

/// Builds a path.
pub(super) struct PathBuilder<'a> {
    context: &'a RunContext,
    options: &'a Options,
    layout: &'a Layout,
    stages: Vec<Stage>,
    pieces: usize,
    /// Which of the shapes occur.
    found: Vec<bool>,
}

impl<'a> PathBuilder<'a> {
    pub(super) fn new(context: &'a RunContext, options: &'a Options, layout: &'a Layout) -> PathBuilder<'a> {
        PathBuilder { context, options, layout, stages: vec![], pieces: 0, found: vec![false; layout.shapes.len()] }
    }

    /// The stages, and for every shape of the experiment whether one of them contains it.
    pub(super) fn finished(self) -> (Vec<Stage>, Vec<bool>) {
        (self.stages, self.found)
    }

    /// Adds everything up to a mark, or all of it if no mark is given. Returns true if the mark was found.
    pub(super) fn until(&mut self, steps: &[Step], mark: Option<&str>) -> Result<bool, Fault> {
        for step in steps {
            if matches!((step, mark), (Step::Mark(name), Some(mark)) if name == mark) {
                return Ok(true);
            }
            self.step(step)?;
        }
        Ok(false)
    }

    fn operation(&mut self, operation: Operation) {
        match (self.stages.last_mut(), operation) {
            (Some(Stage::Closed(operations)), Operation::Fixed(u)) => match operations.last_mut() {
                Some(Operation::Fixed(before)) => *before = product(&u, before),
                _ => operations.push(Operation::Fixed(u)),
            },
            (Some(Stage::Closed(operations)), shaped) => operations.push(shaped),
            (_, operation) => self.stages.push(Stage::Closed(vec![operation])),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Fault> {
        self.pieces += 1;
        if self.pieces > MOST_PIECES {
            let message = format!("there are more than {MOST_PIECES} steps before the mark");
            return Err(Diagnostic::without_place(Code::TooLarge, message).into());
        }
        let removed = Projection::of(step, self.context.space()).map_err(|(place, e)| failed(place, &e.to_string()))?;
        if let Some(projection) = removed {
            self.stages.push(Stage::Projection(projection));
            return Ok(());
        }
        match step {
            Step::Segment(segment) => self.segment(segment),
            Step::Acquire(acquire) => self.segment(&acquire.segment),
            Step::Kick(kick) => self.kick(kick),
            Step::Loop(count, body) => self.repeated(*count, body),
            Step::Strobe(strobe) => strobe.runs.iter().try_for_each(|(count, body)| self.repeated(*count, body)),
            Step::Reset(Reset { place, .. }) | Step::Project(Project { place, .. }) => Err(without_gradient(*place)),
            Step::Feedback(feedback) => Err(without_gradient(feedback.place())),
            Step::Crush(_) | Step::Dephase(..) | Step::Mark(_) | Step::Tomography(_) => Ok(()),
        }
    }

    /// A loop body without shapes and relaxation becomes a power of one propagator.
    fn repeated(&mut self, count: u64, body: &[Step]) -> Result<(), Fault> {
        if count == 0 {
            return Ok(());
        }
        let outer = std::mem::take(&mut self.stages);
        self.until(body, None)?;
        let once = std::mem::replace(&mut self.stages, outer);
        if let [Stage::Closed(operations)] = once.as_slice()
            && let [Operation::Fixed(u)] = operations.as_slice()
        {
            self.operation(Operation::Fixed(power(u, count)));
            return Ok(());
        }
        for _ in 0..count {
            self.until(body, None)?;
        }
        Ok(())
    }

    /// How a field follows the steps of its shape.
    fn follower<'s>(&mut self, used: &'s ShapeUse, place: Place) -> Result<Follower<'s>, Fault> {
        let steps: &ShapeSteps = used.steps.as_ref().ok_or_else(|| not_linear(place))?;
        let (first, count) = self.layout.shapes.get(used.shape).copied().ok_or_else(|| not_linear(place))?;
        if let Some(found) = self.found.get_mut(used.shape) {
            *found = true;
        }
        Ok(Follower { steps, first, count })
    }

    fn kick(&mut self, kick: &Kick) -> Result<(), Fault> {
        let free = |used: &&ShapeUse| self.layout.free.contains(&used.shape);
        match kick.shape.as_deref().filter(free) {
            None => {
                let u = self.propagator(&kick.as_segment())?;
                self.operation(Operation::Fixed(u));
            }
            Some(used) => {
                let n = self.context.space().len();
                let follower = self.follower(used, kick.place)?;
                let drives = vec![(self.dense(&follower.steps.x), self.dense(&follower.steps.y))];
                let slices = slices(1.0, &[follower], 0.0);
                let piece = ShapedPiece { h: Matrix::zeros(n, n), drives, slices, timed: false, steps: vec![] };
                self.operation(Operation::Shaped(piece));
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: &Segment) -> Result<(), Fault> {
        let free =
            |control: &Control| control.shape.as_ref().is_some_and(|used| self.layout.free.contains(&used.shape));
        if !segment.controls.iter().any(free) {
            return self.unshaped(segment);
        }
        // Other shapes in the same segment vary from step to step as well; their steps are kept.
        let (shaped, fixed): (Vec<&Control>, Vec<&Control>) = segment
            .controls
            .iter()
            .partition(|control| control.shape.as_ref().is_some_and(|used| used.steps.is_some()));
        let rest = Segment { controls: fixed.into_iter().cloned().collect(), record: None, ..segment.clone() };
        if rest.terms().any(|(c, _)| c.constant().is_none()) || rest.controls.iter().any(free) {
            return Err(not_linear(segment.place));
        }
        let used: Vec<&ShapeUse> = shaped.into_iter().filter_map(|control| control.shape.as_deref()).collect();
        let shapes: Vec<usize> = used.iter().map(|used| used.shape).collect();
        let followers =
            used.into_iter().map(|used| self.follower(used, segment.place)).collect::<Result<Vec<_>, _>>()?;
        let drives: Vec<(Matrix, Matrix)> =
            followers.iter().map(|f| (self.dense(&f.steps.x), self.dense(&f.steps.y))).collect();
        let acts = |(x, y): &(Matrix, Matrix)| x.iter().chain(y.iter()).any(|element| *element != ZERO);
        if !drives.iter().any(acts) {
            let message = "this shaped pulse acts on no spin of the system";
            return Err(Diagnostic::new(Code::WrongOperator, segment.place.span(), message)
                .label("no spin of this nucleus")
                .help("use the channel of a nucleus that is declared in `system`")
                .into());
        }
        let generator = Generator::of(&rest, self.context.space());
        let h = generator.hamiltonian(0.0);
        let norms = drives.iter().map(|(x, _)| x).chain([&h]).map(|m| (norm_squared(m) / m.nrows() as f64).sqrt());
        let slices = slices(segment.duration, &followers, norms.sum());
        let lasting = |(shape, f): (usize, &Follower)| (shape, segment.duration / (f.steps.to - f.steps.from));
        let steps = shapes.into_iter().zip(&followers).map(lasting).collect();
        let piece = ShapedPiece { h, drives, slices, timed: true, steps };
        if generator.has_changing_rates() {
            let message = "gradients are not computed for a noise that changes with time during a shaped pulse";
            return Err(Diagnostic::new(Code::NotEmulated, segment.place.span(), message)
                .label("a rate depends on time here")
                .help("optimise the shape with constant rates, then run the optimised shape with this noise")
                .into());
        }
        if generator.is_closed() {
            self.operation(Operation::Shaped(piece));
        } else {
            self.small_enough(segment)?;
            self.stages.push(Stage::Open(Box::new(OpenPiece::new(piece, &generator))));
        }
        Ok(())
    }

    /// Rejects relaxation of systems whose superoperators are too large.
    fn small_enough(&self, segment: &Segment) -> Result<(), Fault> {
        let n = self.context.space().len();
        if n <= MOST_RELAXING {
            return Ok(());
        }
        let message =
            format!("gradients with relaxation are computed for up to {MOST_RELAXING} states; this system has {n}");
        Err(Diagnostic::new(Code::TooLarge, segment.place.span(), message)
            .label("the state relaxes here")
            .help("optimise the shape without relaxation, then run the optimised shape with it")
            .into())
    }

    /// A segment that does not depend on the shapes.
    fn unshaped(&mut self, segment: &Segment) -> Result<(), Fault> {
        if segment.relaxing.is_empty() {
            let u = self.propagator(segment)?;
            self.operation(Operation::Fixed(u));
            return Ok(());
        }
        self.small_enough(segment)?;
        let generator = Generator::of(segment, self.context.space());
        let failure = |e: &dyn std::fmt::Display| failed(segment.place, &e.to_string());
        let superoperator = if generator.is_constant() {
            Liouville::new(&generator).map_err(|e| failure(&e))?.propagator(segment.duration)
        } else {
            self.superoperator(segment)?
        };
        self.stages.push(Stage::Relaxed(superoperator));
        Ok(())
    }

    /// The superoperator of a segment whose generator varies, from what it does to a basis of Hermitian matrices.
    fn superoperator(&self, segment: &Segment) -> Result<Matrix, Fault> {
        let n = self.context.space().len();
        let step = Step::Segment(Segment { record: None, ..segment.clone() });
        let mut integrator = Integrator::new(self.context, self.options);
        let mut after =
            |m: Matrix| -> Result<Matrix, Fault> { Ok(integrator.step_member(&step, State::Mixed(m))?.density()) };
        let mixed = identity(n) * real(1.0 / n as f64);
        let of_mixed = after(mixed.clone())?;
        let mut out = Matrix::zeros(n * n + 1, n * n + 1);
        let unit = |i: usize, j: usize, x| {
            let mut m = Matrix::zeros(n, n);
            m.iter_mut().skip(i + n * j).take(1).for_each(|e| *e = x);
            m
        };
        for j in 0..n {
            for i in 0..=j {
                let even = unit(i, j, real(0.5)) + unit(j, i, real(0.5));
                let mut image = after(&mixed + &even)? - &of_mixed;
                if i != j {
                    let odd = unit(i, j, I * 0.5) - unit(j, i, I * 0.5);
                    let turned = (after(&mixed + &odd)? - &of_mixed) * I;
                    out.column_mut(j + n * i).iter_mut().zip((&image + &turned).iter()).for_each(|(e, x)| *e = *x);
                    image -= turned;
                }
                out.column_mut(i + n * j).iter_mut().zip(image.iter()).for_each(|(e, x)| *e = *x);
            }
        }
        let drifted = (of_mixed - &mixed) * real(n as f64);
        out.column_mut(n * n).iter_mut().zip(drifted.iter()).for_each(|(e, x)| *e = *x);
        out.iter_mut().last().into_iter().for_each(|corner| *corner = real(1.0));
        Ok(out)
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
        .label("its rf, or that of a simultaneous pulse, is not constant within a step")
        .help("optimise the shape without what varies simultaneously, then run the optimised shape with it")
        .into()
}

/// The error of a statement that has no gradient.
fn without_gradient(place: Place) -> Fault {
    let message = "gradients are not computed through a `reset`, a `project` or feedback";
    Diagnostic::new(Code::NotEmulated, place.span(), message).label("before the mark").into()
}
