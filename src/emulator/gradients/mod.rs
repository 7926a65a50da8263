//! Derivatives of a result with respect to parameters: durations, angles, phases, strengths, couplings, offsets, relaxation times,
//! temperatures, everything that changes the numbers of a sequence and not its steps.
//!
//! The state is propagated once, together with its derivatives, through exact derivatives of every propagator ([`maps`]), with relaxation as
//! superoperators. What the propagators are made of, the numbers of the compiled sequence, is differentiated by [`nodes`]. At the mark
//!
//! ```text
//! df/dp = sum_m w_m Tr[G drho_m/dp] + sum_m dw_m/dp Tr[G rho_m] + df/dp at constant states
//! ```
//!
//! with the derivative G of the metric by the state, and the dependence of the metric on the parameter itself (as of an energy on the
//! Hamiltonian of the battery), which is differentiated as the numbers of the sequence are.

mod compiled;
mod goal;
mod maps;
mod members;
mod nodes;

use self::compiled::{Compiled, Compiler, Divisions, MOST_STATES, Numbers, Operators, propagated};
use self::goal::{Evaluated, Kind, View, Weight};
use self::maps::DualMatrix;
use self::members::MemberPoint;
use self::nodes::{Block, Interval, derivatives};
use super::request::Request;
use super::sectors;
use super::settings::Options;
use crate::hamiltonian::{self, Evaluator, Fault, Invariants, Prepared, Schedule, Step, Values, build, duration};
use crate::ir::Experiment;
use crate::linalg::{Matrix, real};
use crate::spin::Space;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A parameter, and the interval in which it may lie.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// A result with its derivatives.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueAndGradient {
    /// The result.
    pub value: f64,
    /// Its derivative with respect to every variable.
    pub gradient: Vec<f64>,
}

/// Why there are no derivatives.
#[derive(Debug)]
pub enum NoGradient {
    /// The experiment or the result has something without derivatives; in words.
    Anywhere(String),
    /// At these values: a kink, an undefined result, a step that appears or vanishes.
    Here,
    /// The experiment cannot be run at these values.
    Failed(Fault),
}

impl From<Fault> for NoGradient {
    fn from(fault: Fault) -> NoGradient {
        NoGradient::Failed(fault)
    }
}

/// An experiment whose results are differentiated.
pub struct Gradients<'a> {
    invariants: Arc<Invariants<'a>>,
    options: &'a Options,
    variables: Vec<Variable>,
}

/// The experiment at one point: as declared, and its members.
struct Point<'a> {
    declared: Evaluator<'a>,
    schedule: Arc<Schedule>,
    members: Vec<MemberPoint>,
    /// The meaning of names in every member, if the result is evaluated for each of them.
    evaluators: Vec<Evaluator<'a>>,
}

/// A node: number of the variable and bits of the distance.
type NodeKey = (usize, u64);

/// The points of the nodes: number of the variable and bits of the distance, and the point, if there is one.
#[derive(Default)]
struct Nodes<'a> {
    known: RefCell<Vec<(NodeKey, Option<Rc<Point<'a>>>)>>,
}

impl<'a> Nodes<'a> {
    /// A point, made on the first call.
    fn get(&self, (variable, by): (usize, f64), make: impl FnOnce() -> Option<Point<'a>>) -> Option<Rc<Point<'a>>> {
        let key = (variable, by.to_bits());
        if let Some((_, point)) = self.known.borrow().iter().find(|(k, _)| *k == key) {
            return point.clone();
        }
        let point = make().map(Rc::new);
        self.known.borrow_mut().push((key, point.clone()));
        point
    }
}

impl<'a> Gradients<'a> {
    /// For derivatives with respect to these variables.
    pub fn new(experiment: &'a Experiment, options: &'a Options, variables: Vec<Variable>) -> Gradients<'a> {
        Gradients { invariants: Arc::new(Invariants::of(experiment)), options, variables }
    }

    /// The result of a request and its derivatives; `given` has the values of all variables.
    ///
    /// # Errors
    /// If there are no derivatives, here or anywhere.
    pub fn at(&self, given: &Values, request: &Request) -> Result<ValueAndGradient, NoGradient> {
        if self.options.spectrometer.is_some() {
            return Err(NoGradient::Anywhere("what a spectrometer rounds has no derivatives".into()));
        }
        if self.options.typical.is_some() {
            return Err(NoGradient::Anywhere("random vectors have no derivatives".into()));
        }
        let declared = Evaluator::at(&self.invariants, given)?;
        let kind = Kind::of(&declared, request).map_err(NoGradient::Anywhere)?;
        let here = Point::of(declared, given, &kind)?;
        let space = sectors::whole(&here.schedule, self.options.max_memory)?;
        if space.len() > MOST_STATES {
            let n = space.len();
            return Err(NoGradient::Anywhere(format!(
                "derivatives are computed for up to {MOST_STATES} states; this system has {n}"
            )));
        }
        let mut divisions: Vec<Divisions> = here.members.iter().map(|_| Divisions::default()).collect();
        let mark = kind.mark.as_deref();
        let own = numbers(&here, &space, mark, &mut divisions).map_err(NoGradient::Anywhere)?;
        let own_blocks = blocks(&own);
        let mut by_parameter = Vec::with_capacity(self.variables.len());
        let nodes = Nodes::default();
        for (k, variable) in self.variables.iter().enumerate() {
            let mut at = |by: f64| {
                let point = nodes.get((k, by), || self.moved(given, variable, by, &kind))?;
                Some(blocks(&numbers(&point, &space, mark, &mut divisions).ok()?))
            };
            let interval = variable.interval(given).ok_or(NoGradient::Here)?;
            by_parameter.push(derivatives(&own_blocks, interval, &mut at).ok_or(NoGradient::Here)?);
        }
        if own.iter().any(|member| member.depends_in_projection(&by_parameter)) {
            return Err(NoGradient::Anywhere(
                "a `dephase` whose operator depends on a parameter has no derivatives".into(),
            ));
        }
        let states = self.states(&here, &own, &own_blocks, &by_parameter)?;
        self.results((given, &nodes), (&here, &kind), &space, &states)
    }

    /// The weight and the state of every member at the mark, with derivatives.
    fn states(
        &self,
        here: &Point,
        own: &[MemberNumbers],
        own_blocks: &[Block],
        by_parameter: &[Vec<Option<Block>>],
    ) -> Result<Vec<(Weight, DualMatrix)>, NoGradient> {
        let mut states = Vec::with_capacity(own.len());
        for (member, point) in own.iter().zip(&here.members) {
            let range = member.first..member.first + member.count();
            let values = own_blocks.get(range.clone()).unwrap_or_default();
            let derivatives: Vec<&[Option<Block>]> =
                by_parameter.iter().map(|all| all.get(range.clone()).unwrap_or_default()).collect();
            let (begin, inside) = values.split_at(BEFORE.min(values.len()));
            let first = |k: usize| derivatives.iter().map(|of| of.get(k).and_then(Option::as_ref)).collect::<Vec<_>>();
            let n = (begin.get(1).map_or(0, Vec::len) as f64).sqrt().round() as usize;
            let square = |block: &Block| Matrix::from_column_slice(n, n, block);
            let weight = Weight {
                value: point.weight,
                gradient: first(0).into_iter().map(|b| b.and_then(|b| b.first()).map_or(0.0, |x| x.re)).collect(),
            };
            let start = DualMatrix {
                value: begin.get(1).map_or_else(|| Matrix::zeros(0, 0), square),
                tangents: first(1).into_iter().map(|b| b.map(square)).collect(),
            };
            let numbers = Numbers {
                values: inside,
                derivatives: derivatives.iter().map(|of| of.get(BEFORE..).unwrap_or_default()).collect(),
            };
            let end = propagated(&member.compiled.parts, &numbers, start).map_err(NoGradient::Anywhere)?;
            states.push((weight, end));
        }
        Ok(states)
    }

    /// The result from the states at the mark.
    fn results(
        &self,
        (given, nodes): (&Values, &Nodes<'a>),
        (here, kind): (&Point, &Kind),
        space: &Space,
        states: &[(Weight, DualMatrix)],
    ) -> Result<ValueAndGradient, NoGradient> {
        let evaluated = Evaluated::new(here.views(kind), kind, space)?;
        let (value, mut gradient) = evaluated.gradient(kind, states).ok_or(NoGradient::Here)?;
        // The dependence on the parameters at constant states.
        let own = vec![vec![real(value)]];
        for (k, (variable, derivative)) in self.variables.iter().zip(&mut gradient).enumerate() {
            let mut at = |by: f64| {
                let point = nodes.get((k, by), || self.moved(given, variable, by, kind))?;
                let moved = Evaluated::new(point.views(kind), kind, space).ok()?;
                Some(vec![vec![real(moved.value(kind, states)?)]])
            };
            let interval = variable.interval(given).ok_or(NoGradient::Here)?;
            let direct = derivatives(&own, interval, &mut at).ok_or(NoGradient::Here)?;
            *derivative += direct.into_iter().flatten().flatten().map(|x| x.re).sum::<f64>();
        }
        if value.is_finite() && gradient.iter().all(|s| s.is_finite()) {
            Ok(ValueAndGradient { value, gradient })
        } else {
            Err(NoGradient::Here)
        }
    }

    /// The point at which a variable differs by an amount.
    fn moved(&self, given: &Values, variable: &Variable, by: f64, kind: &Kind) -> Option<Point<'a>> {
        let mut values = given.clone();
        *values.get_mut(&variable.name)? += by;
        let declared = Evaluator::at(&self.invariants, &values).ok()?;
        Point::of(declared, &values, kind).ok()
    }
}

impl Variable {
    fn interval(&self, given: &Values) -> Option<Interval> {
        let x = *given.get(&self.name)?;
        (self.low <= x && x <= self.high).then_some(Interval { x, low: self.low, high: self.high })
    }
}

impl<'a> Point<'a> {
    /// The experiment at these values of its parameters.
    fn of(declared: Evaluator<'a>, values: &Values, kind: &Kind) -> Result<Point<'a>, Fault> {
        let schedule = Arc::new(build(&declared)?.0);
        let all = hamiltonian::members(&declared)?;
        let members = if kind.each { vec![] } else { members::lowered(&declared, values, &schedule, &all)? };
        let mut point = Point { declared, schedule, members, evaluators: vec![] };
        if kind.each {
            let parameters = point.declared.parameters();
            for member in &all {
                let evaluator = parameters.member(values, &member.variation, &member.values)?;
                point.members.push(MemberPoint::built(&evaluator, member.weight)?);
                point.evaluators.push(evaluator);
            }
        }
        Ok(point)
    }

    /// The evaluators, schedules and initial states with which the result is evaluated: those of the declared system, or of every member.
    fn views<'p>(&'p self, kind: &Kind) -> Vec<View<'p, 'a>> {
        if kind.each {
            let view = |(evaluator, m): (&'p Evaluator<'a>, &'p MemberPoint)| View {
                evaluator,
                schedule: &m.schedule,
                initial: vec![(1.0, &*m.prepared)],
                time: Some(elapsed(&m.schedule, kind.mark.as_deref())),
            };
            return self.evaluators.iter().zip(&self.members).map(view).collect();
        }
        // Members that arrive at different times have no common one.
        let times: Vec<f64> = self.members.iter().map(|m| elapsed(&m.schedule, kind.mark.as_deref())).collect();
        let time = times.first().copied().filter(|first| times.iter().all(|t| t == first));
        let common = self.members.first().map(|m| &m.prepared);
        let initial = match common.filter(|first| self.members.iter().all(|m| Arc::ptr_eq(first, &m.prepared))) {
            Some(prepared) => vec![(1.0, &**prepared)],
            None => self.members.iter().map(|m| (m.weight, &*m.prepared)).collect(),
        };
        vec![View { evaluator: &self.declared, schedule: &self.schedule, initial, time }]
    }
}

/// The time since `prepare` at a mark outside loops, or at the end.
fn elapsed(schedule: &Schedule, mark: Option<&str>) -> f64 {
    let here = |step: &Step| matches!((step, mark), (Step::Mark(name), Some(mark)) if name == mark);
    let count = schedule.steps.iter().position(here).unwrap_or(schedule.steps.len());
    duration(schedule.steps.get(..count).unwrap_or_default())
}

/// Number of blocks of a member in front of those of its sequence: its weight and its initial state.
const BEFORE: usize = 2;

/// The numbers of a member.
struct MemberNumbers {
    /// Index of its first block among those of all members.
    first: usize,
    begin: Vec<Block>,
    compiled: Compiled,
}

impl MemberNumbers {
    fn count(&self) -> usize {
        BEFORE + self.compiled.blocks.len()
    }

    /// True if the operator of a projection depends on a parameter.
    fn depends_in_projection(&self, by_parameter: &[Vec<Option<Block>>]) -> bool {
        let depends = |block: usize| {
            by_parameter.iter().any(|of| of.get(self.first + BEFORE + block).is_some_and(Option::is_some))
        };
        self.compiled.projections.iter().any(|block| depends(*block))
    }
}

fn numbers(
    point: &Point,
    space: &Space,
    mark: Option<&str>,
    divisions: &mut [Divisions],
) -> Result<Vec<MemberNumbers>, String> {
    let mut all = Vec::with_capacity(point.members.len());
    let mut first = 0;
    let mut operators = Operators::of(space);
    // Members that are lowered together have the same initial state.
    let mut prepared: Option<(&Arc<Prepared>, Block)> = None;
    for (member, division) in point.members.iter().zip(divisions) {
        let compiled = Compiler::compile(&mut operators, mark, division, (&member.schedule.steps, &member.values))?;
        let start = match prepared {
            Some((known, start)) if Arc::ptr_eq(known, &member.prepared) => start,
            _ => member.prepared.state(space).density().iter().copied().collect(),
        };
        let begin = vec![vec![real(member.weight)], start.clone()];
        prepared = Some((&member.prepared, start));
        let own = MemberNumbers { first, begin, compiled };
        first += own.count();
        all.push(own);
    }
    Ok(all)
}

/// The blocks of all members; of two points with another number of members or steps they are another list.
fn blocks(all: &[MemberNumbers]) -> Vec<Block> {
    all.iter().flat_map(|member| member.begin.iter().chain(&member.compiled.blocks).cloned()).collect()
}
