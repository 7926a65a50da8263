//! Waveforms as a list of operations, each evaluated once for all of them: at a time, or over an interval of time.

use super::function::Function;
use super::interval::{ENTIRE, Interval};
use super::jet::Jet;
use super::model::Model;
use super::scalar::{Node, Scalar, Waveform, entry};
use super::train::Edges;
use std::collections::HashMap;
use std::sync::Arc;

/// An operation on the results of earlier ones, given by index.
enum Operation {
    Constant(f64),
    Affine {
        scale: f64,
        shift: f64,
    },
    Sum(usize, usize),
    Difference(usize, usize),
    Product(usize, usize),
    Quotient(usize, usize),
    Power(usize, usize),
    /// A function without kinks.
    Smooth(Function, usize),
    /// A function with different branches on the two sides of a threshold of its argument.
    Piecewise {
        function: Piecewise,
        argument: usize,
        /// Index of the switch between its branches.
        switch: usize,
    },
}

/// A function with kinks or jumps.
enum Piecewise {
    /// A function of one argument.
    Function(Function),
    /// The smaller or larger of two, whose difference is the argument.
    Extreme(Function, [usize; 2]),
    Table(Arc<[f64]>),
    /// The values of a train, one a step.
    Train(Arc<Edges>, Arc<[f64]>),
}

/// The values of the argument at which a function has a kink or jump.
#[derive(Clone, Copy)]
enum Thresholds<'a> {
    Zero,
    Integers,
    /// The integers between the entries of a table, of which there are so many.
    Entries(usize),
    Train(&'a Edges),
}

impl Operation {
    /// The operations that it uses; a single one is listed twice.
    fn operands(&self) -> Option<[usize; 2]> {
        match self {
            Operation::Constant(_) | Operation::Affine { .. } => None,
            Operation::Sum(a, b)
            | Operation::Difference(a, b)
            | Operation::Product(a, b)
            | Operation::Quotient(a, b)
            | Operation::Power(a, b)
            | Operation::Piecewise { function: Piecewise::Extreme(_, [a, b]), .. } => Some([*a, *b]),
            Operation::Smooth(_, x) | Operation::Piecewise { argument: x, .. } => Some([*x, *x]),
        }
    }

    /// Its value at a time, from those of its operands.
    fn value(&self, t: f64, of: impl Fn(&usize) -> f64) -> f64 {
        match self {
            Operation::Constant(x) => *x,
            Operation::Affine { scale, shift } => scale * (t - shift),
            Operation::Sum(a, b) => of(a) + of(b),
            Operation::Difference(a, b) => of(a) - of(b),
            Operation::Product(a, b) => of(a) * of(b),
            Operation::Quotient(a, b) => of(a) / of(b),
            Operation::Power(a, b) => of(a).powf(of(b)),
            Operation::Smooth(f, x) => f.value(of(x), 0.0),
            Operation::Piecewise { function, argument, .. } => match function {
                Piecewise::Function(f) => f.value(of(argument), 0.0),
                Piecewise::Extreme(f, [a, b]) => f.value(of(a), of(b)),
                Piecewise::Table(table) => table.get(entry(of(argument), table.len())).copied().unwrap_or(0.0),
                Piecewise::Train(edges, values) => values.get(edges.step(of(argument))).copied().unwrap_or(0.0),
            },
        }
    }
}

impl Piecewise {
    fn thresholds(&self) -> Thresholds<'_> {
        match self {
            Piecewise::Function(Function::Floor) => Thresholds::Integers,
            Piecewise::Function(_) | Piecewise::Extreme(..) => Thresholds::Zero,
            Piecewise::Table(table) => Thresholds::Entries(table.len()),
            Piecewise::Train(edges, _) => Thresholds::Train(edges),
        }
    }

    /// Its enclosure if the argument crosses no threshold; `at` is one value of the argument.
    fn on_one_side(&self, argument: &Model, at: f64, of: impl Fn(&usize) -> Model, order: usize) -> Model {
        match self {
            Piecewise::Function(Function::Floor) => Model::constant(at.floor()),
            Piecewise::Function(f) => branch(*f, argument, at >= 0.0, order),
            Piecewise::Extreme(f, [a, b]) => of(if (at >= 0.0) == (*f == Function::Max) { a } else { b }),
            Piecewise::Table(table) => {
                table.get(entry(at, table.len())).map_or(Model::rough(ENTIRE), |x| Model::constant(*x))
            }
            Piecewise::Train(edges, values) => {
                values.get(edges.step(at)).map_or(Model::rough(ENTIRE), |x| Model::constant(*x))
            }
        }
    }

    /// Its enclosure if the argument may cross a threshold.
    fn across(&self, argument: &Model, of: impl Fn(&usize) -> Model, order: usize) -> Model {
        let bounds = argument.value();
        match self {
            Piecewise::Function(Function::Floor) => {
                Model::rough(Interval { lo: bounds.lo.floor(), hi: bounds.hi.floor() })
            }
            Piecewise::Function(f) => ranged(either(*f, argument, order), order),
            Piecewise::Extreme(_, [a, b]) => ranged(of(a).either(&of(b), order), order),
            Piecewise::Table(table) => {
                let (first, last) = (entry(bounds.lo, table.len()), entry(bounds.hi, table.len()));
                Model::rough(hull(table.get(first..=last).unwrap_or_default()))
            }
            Piecewise::Train(_, values) => Model::rough(hull(values)),
        }
    }
}

/// The smallest interval that contains all values.
fn hull(values: &[f64]) -> Interval {
    let start = values.first().map_or(ENTIRE, |x| Interval::point(*x));
    values.iter().fold(start, |all, x| all.hull(Interval::point(*x)))
}

/// The operations of some waveforms.
pub struct Tape {
    operations: Vec<Operation>,
    /// The operation that computes each of the waveforms.
    outputs: Vec<usize>,
    switches: usize,
}

/// Known bounds of the argument of a switch on a cell: `from <= x < below`.
#[derive(Debug, Clone, Copy)]
pub struct Side {
    /// Lower bound, inclusive.
    pub from: f64,
    /// Upper bound, exclusive.
    pub below: f64,
}

impl Side {
    /// No bounds are known.
    pub const UNKNOWN: Side = Side { from: f64::NEG_INFINITY, below: f64::INFINITY };
}

/// A switch whose argument may cross a threshold in a cell, according to its enclosure.
#[derive(Debug, Clone, Copy)]
pub struct Crossing {
    /// Index of the switch.
    pub switch: usize,
    /// The operation that computes its argument.
    pub argument: usize,
    /// The value at which the function has a kink or jump.
    pub threshold: f64,
}

/// A threshold that the argument of a switch may cross within bounds.
fn threshold(bounds: Interval, side: Side, thresholds: Thresholds) -> Option<f64> {
    let (lo, hi) = (bounds.lo.max(side.from), bounds.hi.min(side.below));
    // The upper bound of a side is exclusive, so nothing is crossed there.
    let inside = |x: f64| lo < x && (x < hi || (x == hi && hi < side.below));
    // A table is constant beyond its ends.
    let (lo, hi, entries) = match thresholds {
        Thresholds::Zero => return inside(0.0).then_some(0.0),
        Thresholds::Integers | Thresholds::Train(_) => (lo, hi, 0),
        Thresholds::Entries(n) => (lo.max(0.0), hi.min(n as f64 - 1.0), n),
    };
    if lo.is_nan() || hi.is_nan() || lo > hi {
        return None;
    }
    if let Thresholds::Train(edges) = thresholds {
        let middle = if lo.is_finite() && hi.is_finite() { 0.5 * lo + 0.5 * hi } else { lo.max(0.0).min(hi) };
        return edges.around(middle).into_iter().find(|x| inside(*x));
    }
    let middle = match (lo.is_finite(), hi.is_finite()) {
        (true, true) => (0.5 * lo + 0.5 * hi).round(),
        (true, false) => lo.floor() + 1.0,
        (false, true) => hi.ceil() - 1.0,
        (false, false) => 0.0,
    };
    let candidates = [middle, middle - 1.0, middle + 1.0];
    candidates.into_iter().find(|x| inside(*x) && (entries == 0 || (1.0..entries as f64).contains(x)))
}

impl Tape {
    /// The operations of waveforms; common subexpressions are evaluated once.
    pub fn of<'a>(waveforms: impl IntoIterator<Item = &'a Waveform>) -> Tape {
        let mut tape = Tape { operations: vec![], outputs: vec![], switches: 0 };
        let mut known = HashMap::new();
        for waveform in waveforms {
            let output = tape.waveform(waveform, &mut known);
            tape.outputs.push(output);
        }
        tape
    }

    /// Number of operations.
    pub fn size(&self) -> usize {
        self.operations.len()
    }

    /// Unknown sides for all switches.
    pub fn sides(&self) -> Vec<Side> {
        vec![Side::UNKNOWN; self.switches]
    }

    fn push(&mut self, operation: Operation) -> usize {
        self.operations.push(operation);
        self.operations.len() - 1
    }

    fn scalar(&mut self, scalar: &Scalar, known: &mut HashMap<*const Node, usize>) -> usize {
        match scalar {
            Scalar::Constant(x) => self.push(Operation::Constant(*x)),
            Scalar::Varying(w) => self.waveform(w, known),
        }
    }

    fn piecewise(&mut self, function: Piecewise, argument: usize) -> Operation {
        self.switches += 1;
        Operation::Piecewise { function, argument, switch: self.switches - 1 }
    }

    fn waveform(&mut self, waveform: &Waveform, known: &mut HashMap<*const Node, usize>) -> usize {
        let key = Arc::as_ptr(&waveform.node);
        if let Some(found) = known.get(&key) {
            return *found;
        }
        let operation = match &*waveform.node {
            Node::Affine { scale, shift } => Operation::Affine { scale: *scale, shift: *shift },
            // Waveforms with variables are evaluated to numbers before they are resolved in time.
            Node::Variable(_) => Operation::Constant(f64::NAN),
            Node::Sum(a, b) => Operation::Sum(self.scalar(a, known), self.scalar(b, known)),
            Node::Product(a, b) => Operation::Product(self.scalar(a, known), self.scalar(b, known)),
            Node::Quotient(a, b) => Operation::Quotient(self.scalar(a, known), self.scalar(b, known)),
            Node::Power(a, b) => Operation::Power(self.scalar(a, known), self.scalar(b, known)),
            Node::Function(f @ (Function::Abs | Function::Step | Function::Sign | Function::Floor), x) => {
                let argument = self.waveform(x, known);
                self.piecewise(Piecewise::Function(*f), argument)
            }
            Node::Function(f, x) => Operation::Smooth(*f, self.waveform(x, known)),
            Node::Extreme(f, a, b) => {
                let (a, b) = (self.scalar(a, known), self.scalar(b, known));
                let difference = self.push(Operation::Difference(a, b));
                self.piecewise(Piecewise::Extreme(*f, [a, b]), difference)
            }
            Node::Table(table, x) => {
                let argument = self.waveform(x, known);
                self.piecewise(Piecewise::Table(table.clone()), argument)
            }
            Node::Train(edges, values, x) => {
                let argument = self.waveform(x, known);
                self.piecewise(Piecewise::Train(edges.clone(), values.clone()), argument)
            }
        };
        let made = self.push(operation);
        known.insert(key, made);
        made
    }

    /// The value of an operation at a time; `scratch` holds those of the previous operations.
    pub fn value(&self, operation: usize, t: f64, scratch: &mut Vec<f64>) -> f64 {
        scratch.clear();
        for next in self.operations.iter().take(operation + 1) {
            // Operands precede the operations that use them.
            let value = next.value(t, |k| scratch.get(*k).copied().unwrap_or(f64::NAN));
            scratch.push(value);
        }
        scratch.last().copied().unwrap_or(f64::NAN)
    }

    /// True for each output that uses an operation.
    pub fn uses(&self, operation: usize) -> impl Iterator<Item = bool> + '_ {
        let mut using: Vec<bool> = Vec::with_capacity(self.operations.len());
        for (k, next) in self.operations.iter().enumerate() {
            let mut used = next.operands().is_some_and(|o| o.iter().any(|k| using.get(*k) == Some(&true)));
            if let Operation::Piecewise { argument, .. } = next {
                used |= using.get(*argument) == Some(&true);
            }
            using.push(k == operation || used);
        }
        self.outputs.iter().map(move |k| using.get(*k) == Some(&true))
    }

    /// Enclosures of the Taylor coefficients of all operations up to an order, between two times, and the first switch whose branch is
    /// undecided: with the slopes of both branches up to first order, as a range only above. `models` is overwritten.
    pub fn enclose(&self, cell: (f64, f64), sides: &[Side], order: usize, models: &mut Vec<Model>) -> Option<Crossing> {
        let mut open = None;
        let length = cell.1 - cell.0;
        models.clear();
        for operation in &self.operations {
            // Operands precede the operations that use them.
            let m = |k: &usize| models.get(*k).copied().unwrap_or(Model::rough(ENTIRE));
            // Operations on constants are evaluated in floating point, without rounding outward: after the jump, `1 - step(t)` is
            // exactly zero, so that its magnitude has no kink there.
            if operation.operands().is_some_and(|used| used.iter().all(|k| m(k).constant)) {
                let value = operation.value(cell.0, |k| m(k).value().lo);
                if value.is_finite() {
                    models.push(Model::constant(value));
                    continue;
                }
            }
            let model = match operation {
                Operation::Piecewise { function, argument, switch } => {
                    let (switch, argument, side) = (*switch, *argument, sides.get(*switch).copied());
                    let (model, side) = (m(&argument), side.unwrap_or(Side::UNKNOWN));
                    match threshold(model.value(), side, function.thresholds()) {
                        Some(threshold) => {
                            open = open.or(Some(Crossing { switch, argument, threshold }));
                            function.across(&model, m, order)
                        }
                        None => function.on_one_side(&model, inside(model.value(), side), m, order),
                    }
                }
                smooth => self.smooth(smooth, cell, order, m),
            };
            models.push(model.settled(order, length));
        }
        open
    }

    /// The enclosure of an operation without switches, between two times, from those of its operands.
    fn smooth(&self, operation: &Operation, cell: (f64, f64), order: usize, m: impl Fn(&usize) -> Model) -> Model {
        match operation {
            Operation::Constant(x) => Model::constant(*x),
            Operation::Affine { scale, shift } => {
                let time = Interval { lo: cell.0, hi: cell.1 } - Interval::point(*shift);
                Model::smooth(Jet::affine(time.scaled(*scale), *scale))
            }
            Operation::Sum(a, b) => m(a).linear(&m(b), |a, b| a.plus(b, order)),
            Operation::Difference(a, b) => m(a).linear(&m(b), |a, b| a.minus(b, order)),
            Operation::Product(a, b) if [(a, b), (b, a)].iter().any(|(a, b)| is_nothing(&m(a), &m(b))) => {
                Model::constant(0.0)
            }
            Operation::Product(a, b) => m(a).times(&m(b), a == b, order),
            Operation::Quotient(a, b) => m(a).over(&m(b), order),
            Operation::Power(a, b) => match self.operations.get(*b) {
                Some(Operation::Constant(p)) => m(a).to_power(*p, order),
                _ => m(b).times(&m(a).apply(Function::Log, order), false, order).apply(Function::Exp, order),
            },
            Operation::Smooth(f, x) => m(x).apply(*f, order),
            // Without its switch it is unknown.
            Operation::Piecewise { .. } => Model::rough(ENTIRE),
        }
    }

    /// The enclosures of the outputs, from those of all operations.
    pub fn outputs<'a>(&'a self, models: &'a [Model]) -> impl Iterator<Item = Model> + 'a {
        self.outputs.iter().map(|k| models.get(*k).copied().unwrap_or(Model::rough(ENTIRE)))
    }

    /// Enclosures of the values between two times.
    pub fn ranges(&self, from: f64, to: f64) -> Vec<Interval> {
        let mut models = Vec::with_capacity(self.operations.len());
        self.enclose((from, to), &self.sides(), 0, &mut models);
        self.outputs(&models).map(|model| model.value()).collect()
    }
}

impl Waveform {
    /// An enclosure of its values between two times; infinite if it has a pole.
    pub fn range(&self, from: f64, to: f64) -> Interval {
        Tape::of([self]).ranges(from, to).first().copied().unwrap_or(ENTIRE)
    }
}

impl Scalar {
    /// An enclosure of its values between two times.
    pub fn range(&self, from: f64, to: f64) -> Interval {
        match self {
            Scalar::Constant(x) => Interval::point(*x),
            Scalar::Varying(waveform) => waveform.range(from, to),
        }
    }
}

/// A number within the bounds of an argument and on its side of every threshold.
fn inside(bounds: Interval, side: Side) -> f64 {
    let (lo, hi) = (bounds.lo.max(side.from), bounds.hi.min(side.below));
    let middle = 0.5 * lo + 0.5 * hi;
    if middle >= side.below {
        side.below.next_down()
    } else if middle < side.from {
        side.from
    } else {
        middle
    }
}

/// True if a product is exactly zero: one factor is zero and the other is finite.
fn is_nothing(a: &Model, b: &Model) -> bool {
    a.constant && a.value().lo == 0.0 && b.value().is_finite()
}

/// A function that is not known to be smooth has no Taylor coefficients above the first.
fn ranged(model: Model, order: usize) -> Model {
    if order > 1 { Model::rough(model.value()) } else { model }
}

/// A function with one kink or jump at zero, on one side of it.
fn branch(function: Function, x: &Model, positive: bool, order: usize) -> Model {
    match (function, positive) {
        (Function::Abs, true) => *x,
        (Function::Abs, false) => x.negated(order),
        (function, positive) => {
            let value = function.value(if positive { 1.0 } else { -1.0 }, 0.0);
            Model::constant(value)
        }
    }
}

/// The same if the side is unknown.
fn either(function: Function, x: &Model, order: usize) -> Model {
    match function {
        Function::Abs => {
            let mut model = x.either(&x.negated(order), order);
            model.jet.0[0] = Interval { lo: 0.0, hi: x.value().magnitude() };
            model
        }
        function => Model::rough(Interval { lo: function.value(-1.0, 0.0), hi: function.value(1.0, 0.0) }),
    }
}
