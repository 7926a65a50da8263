//! Numbers and functions of time as expressions: the coefficients of a Hamiltonian.
//!
//! A waveform is an expression tree, never a closure, so that its edges can be isolated, its range bounded and its smooth parts
//! resolved with an error bound (see [`mod@super::mesh`]).

use super::function::Function;
use super::train::Edges;
use std::fmt;
use std::sync::Arc;

/// A number, or a function of the time since the start of the statement.
#[derive(Clone)]
pub enum Scalar {
    /// A constant.
    Constant(f64),
    /// A function of time.
    Varying(Waveform),
}

/// A train: its edges, the values between them, and its argument.
type TrainOf<'a> = (&'a Arc<Edges>, &'a Arc<[f64]>, &'a Waveform);

/// A function of time.
#[derive(Clone)]
pub struct Waveform {
    pub(super) node: Arc<Node>,
}

/// A node of the expression tree.
pub(super) enum Node {
    /// `scale (t - shift)`.
    Affine { scale: f64, shift: f64 },
    /// A variable, by index: a parameter that differs from lane to lane (see [`super::numbers`]).
    Variable(usize),
    /// The sum.
    Sum(Scalar, Scalar),
    /// The product.
    Product(Scalar, Scalar),
    /// The first divided by the second.
    Quotient(Scalar, Scalar),
    /// The first to the power of the second.
    Power(Scalar, Scalar),
    /// A function of one argument.
    Function(Function, Waveform),
    /// The smaller or larger of two.
    Extreme(Function, Scalar, Scalar),
    /// Table entry whose index is the integer part of the argument; extrapolated by the first and last entry.
    Table(Arc<[f64]>, Waveform),
    /// A periodic function of the argument that is constant between edges: its values, one a step.
    Train(Arc<Edges>, Arc<[f64]>, Waveform),
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Constant(x) => write!(f, "{x}"),
            Scalar::Varying(waveform) => waveform.fmt(f),
        }
    }
}

impl fmt::Debug for Waveform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f(t) with f(0) = {}", self.at(0.0))
    }
}

/// Index of the entry in a table of length `n` for an argument.
pub(super) fn entry(x: f64, n: usize) -> usize {
    // Negative numbers and NaN become zero.
    (x.floor() as usize).min(n.saturating_sub(1))
}

impl Waveform {
    fn of(node: Node) -> Scalar {
        Scalar::Varying(Waveform { node: Arc::new(node) })
    }

    fn is_same(&self, other: &Waveform) -> bool {
        if Arc::ptr_eq(&self.node, &other.node) {
            return true;
        }
        match (&*self.node, &*other.node) {
            (Node::Affine { scale: a, shift: b }, Node::Affine { scale: c, shift: d }) => a == c && b == d,
            _ => false,
        }
    }

    /// Its value at a time.
    pub fn at(&self, t: f64) -> f64 {
        // Variables have values in lanes only.
        self.with(t, |_| f64::NAN)
    }

    /// Its value at a time, for these values of the variables.
    fn with<V: Fn(usize) -> f64 + Copy>(&self, t: f64, of: V) -> f64 {
        match &*self.node {
            Node::Affine { scale, shift } => scale * (t - shift),
            Node::Variable(number) => of(*number),
            Node::Sum(a, b) => a.with(t, of) + b.with(t, of),
            Node::Product(a, b) => a.with(t, of) * b.with(t, of),
            Node::Quotient(a, b) => a.with(t, of) / b.with(t, of),
            Node::Power(a, b) => a.with(t, of).powf(b.with(t, of)),
            Node::Function(f, x) => f.value(x.with(t, of), 0.0),
            Node::Extreme(f, a, b) => f.value(a.with(t, of), b.with(t, of)),
            Node::Table(table, x) => table.get(entry(x.with(t, of), table.len())).copied().unwrap_or(0.0),
            Node::Train(edges, values, x) => values.get(edges.step(x.with(t, of))).copied().unwrap_or(0.0),
        }
    }

    /// The number with these values of the variables; `None` if it depends on time.
    fn number(&self, values: &[f64]) -> Option<f64> {
        Some(match &*self.node {
            Node::Affine { .. } => return None,
            Node::Variable(number) => *values.get(*number)?,
            Node::Sum(a, b) => a.number(values)? + b.number(values)?,
            Node::Product(a, b) => a.number(values)? * b.number(values)?,
            Node::Quotient(a, b) => a.number(values)? / b.number(values)?,
            Node::Power(a, b) => a.number(values)?.powf(b.number(values)?),
            Node::Function(f, x) => f.value(x.number(values)?, 0.0),
            Node::Extreme(f, a, b) => f.value(a.number(values)?, b.number(values)?),
            Node::Table(table, x) => table.get(entry(x.number(values)?, table.len())).copied().unwrap_or(0.0),
            Node::Train(edges, levels, x) => levels.get(edges.step(x.number(values)?)).copied().unwrap_or(0.0),
        })
    }

    /// The function with transformed time: `f(scale (t - shift))`.
    fn over_time(&self, scale: f64, shift: f64) -> Scalar {
        let inner = |s: &Scalar| match s {
            Scalar::Constant(x) => Scalar::Constant(*x),
            Scalar::Varying(w) => w.over_time(scale, shift),
        };
        match &*self.node {
            Node::Affine { scale: a, shift: b } => {
                Waveform::of(Node::Affine { scale: a * scale, shift: shift + b / scale })
            }
            Node::Variable(_) => Scalar::Varying(self.clone()),
            Node::Sum(a, b) => inner(a).plus(&inner(b)),
            Node::Product(a, b) => inner(a).times(&inner(b)),
            Node::Quotient(a, b) => inner(a).over(&inner(b)),
            Node::Power(a, b) => inner(a).to_power(&inner(b)),
            Node::Function(f, x) => x.over_time(scale, shift).apply(*f),
            Node::Extreme(f, a, b) => inner(a).extreme(*f, &inner(b)),
            Node::Table(table, x) => x.over_time(scale, shift).looked_up(table),
            Node::Train(edges, values, x) => x.over_time(scale, shift).train(edges, values.clone()),
        }
    }

    /// The function with these values of the variables.
    fn bound(&self, of: &dyn Fn(usize) -> f64) -> Scalar {
        match &*self.node {
            Node::Affine { .. } => Scalar::Varying(self.clone()),
            Node::Variable(number) => Scalar::Constant(of(*number)),
            Node::Sum(a, b) => a.bound(of).plus(&b.bound(of)),
            Node::Product(a, b) => a.bound(of).times(&b.bound(of)),
            Node::Quotient(a, b) => a.bound(of).over(&b.bound(of)),
            Node::Power(a, b) => a.bound(of).to_power(&b.bound(of)),
            Node::Function(f, x) => x.bound(of).apply(*f),
            Node::Extreme(f, a, b) => a.bound(of).extreme(*f, &b.bound(of)),
            Node::Table(table, x) => x.bound(of).looked_up(table),
            Node::Train(edges, values, x) => x.bound(of).train(edges, values.clone()),
        }
    }

    /// Its period, if it is periodic.
    pub fn period(&self) -> Option<f64> {
        match self.recurrence() {
            Recurrence::Every(period) => Some(period),
            Recurrence::Constant | Recurrence::Never => None,
        }
    }

    fn recurrence(&self) -> Recurrence {
        let of = |s: &Scalar| match s {
            Scalar::Constant(_) => Recurrence::Constant,
            Scalar::Varying(w) => w.recurrence(),
        };
        match &*self.node {
            Node::Affine { .. } => Recurrence::Never,
            Node::Variable(_) => Recurrence::Constant,
            Node::Sum(a, b)
            | Node::Product(a, b)
            | Node::Quotient(a, b)
            | Node::Power(a, b)
            | Node::Extreme(_, a, b) => of(a).with(of(b)),
            Node::Function(f, x) => match (&*x.node, f) {
                (Node::Affine { scale, .. }, Function::Sin | Function::Cos) if *scale != 0.0 => {
                    Recurrence::Every(std::f64::consts::TAU / scale.abs())
                }
                (Node::Affine { scale, .. }, Function::Tan) if *scale != 0.0 => {
                    Recurrence::Every(std::f64::consts::PI / scale.abs())
                }
                _ => x.recurrence(),
            },
            Node::Table(_, x) => x.recurrence(),
            Node::Train(edges, _, x) => match &*x.node {
                Node::Affine { scale, .. } if *scale != 0.0 => Recurrence::Every(edges.period() / scale.abs()),
                _ => x.recurrence(),
            },
        }
    }
}

/// The periodicity of a waveform.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Recurrence {
    Constant,
    Every(f64),
    Never,
}

impl Recurrence {
    /// For two functions together: a common multiple of both periods, if there is a small one.
    pub(super) fn with(self, other: Recurrence) -> Recurrence {
        const LARGEST_MULTIPLE: u32 = 64;
        match (self, other) {
            (Recurrence::Constant, x) | (x, Recurrence::Constant) => x,
            (Recurrence::Every(a), Recurrence::Every(b)) => {
                let meets = |n: u32| {
                    let m = (f64::from(n) * a / b).round();
                    let whole = (1.0..=f64::from(LARGEST_MULTIPLE)).contains(&m);
                    let difference = (f64::from(n) * a - m * b).abs();
                    (whole && difference <= 4.0 * f64::EPSILON * f64::from(n) * a).then_some(f64::from(n) * a)
                };
                (1..=LARGEST_MULTIPLE).find_map(meets).map_or(Recurrence::Never, Recurrence::Every)
            }
            _ => Recurrence::Never,
        }
    }
}

impl Scalar {
    /// The time since the start of the statement.
    pub fn time() -> Scalar {
        Waveform::of(Node::Affine { scale: 1.0, shift: 0.0 })
    }

    /// The variable with this index: a parameter that differs from lane to lane.
    pub fn variable(number: usize) -> Scalar {
        Waveform::of(Node::Variable(number))
    }

    /// The value at a time.
    pub fn at(&self, t: f64) -> f64 {
        match self {
            Scalar::Constant(x) => *x,
            Scalar::Varying(waveform) => waveform.at(t),
        }
    }

    /// The value at a time, for these values of the variables.
    pub fn with<V: Fn(usize) -> f64 + Copy>(&self, t: f64, of: V) -> f64 {
        match self {
            Scalar::Constant(x) => *x,
            Scalar::Varying(waveform) => waveform.with(t, of),
        }
    }

    /// The value, if it is the same at all times.
    pub fn constant(&self) -> Option<f64> {
        match self {
            Scalar::Constant(x) => Some(*x),
            Scalar::Varying(_) => None,
        }
    }

    fn is_sine_of(&self, other: &Scalar) -> bool {
        match (self, other) {
            (Scalar::Varying(w), Scalar::Varying(x)) => {
                matches!(&*w.node, Node::Function(Function::Sin, argument) if argument.is_same(x))
            }
            _ => false,
        }
    }

    fn affine(&self) -> Option<(f64, f64)> {
        match self {
            Scalar::Varying(w) => match &*w.node {
                Node::Affine { scale, shift } => Some((*scale, *shift)),
                _ => None,
            },
            Scalar::Constant(_) => None,
        }
    }

    fn table(&self) -> Option<(&Arc<[f64]>, &Waveform)> {
        match self {
            Scalar::Varying(w) => match &*w.node {
                Node::Table(table, x) => Some((table, x)),
                _ => None,
            },
            Scalar::Constant(_) => None,
        }
    }

    fn as_train(&self) -> Option<TrainOf<'_>> {
        match self {
            Scalar::Varying(w) => match &*w.node {
                Node::Train(edges, values, x) => Some((edges, values, x)),
                _ => None,
            },
            Scalar::Constant(_) => None,
        }
    }

    /// Applies a function entry by entry, so that a combination of tables or trains with equal steps is a single one.
    fn entrywise(&self, other: &Scalar, f: &dyn Fn(f64, f64) -> f64) -> Option<Scalar> {
        let (values, edges, x): (Arc<[f64]>, _, _) =
            match (self.as_train(), other.as_train(), self.constant(), other.constant()) {
                (Some((e, a, x)), Some((d, b, y)), ..) if Arc::ptr_eq(e, d) && x.is_same(y) => {
                    (a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect(), e, x)
                }
                (Some((e, a, x)), None, _, Some(c)) => (a.iter().map(|a| f(*a, c)).collect(), e, x),
                (None, Some((e, b, x)), Some(c), _) => (b.iter().map(|b| f(c, *b)).collect(), e, x),
                _ => return self.table_entrywise(other, f),
            };
        Some(Scalar::Varying(x.clone()).train(edges, values))
    }

    fn table_entrywise(&self, other: &Scalar, f: &dyn Fn(f64, f64) -> f64) -> Option<Scalar> {
        let (table, x) = match (self.table(), other.table(), self.constant(), other.constant()) {
            (Some((a, x)), Some((b, y)), ..) if x.is_same(y) && a.len() == b.len() => {
                (a.iter().zip(b.iter()).map(|(a, b)| f(*a, *b)).collect::<Arc<[f64]>>(), x)
            }
            (Some((a, x)), None, _, Some(c)) => (a.iter().map(|a| f(*a, c)).collect(), x),
            (None, Some((b, x)), Some(c), _) => (b.iter().map(|b| f(c, *b)).collect(), x),
            _ => return None,
        };
        Some(x.looked_up_in(table))
    }

    /// The sum.
    pub fn plus(&self, other: &Scalar) -> Scalar {
        match (self.constant(), other.constant(), self.affine(), other.affine()) {
            (Some(a), Some(b), ..) => Scalar::Constant(a + b),
            (Some(0.0), ..) => other.clone(),
            (_, Some(0.0), ..) => self.clone(),
            (Some(c), None, _, Some((scale, shift))) | (None, Some(c), Some((scale, shift)), _) if scale != 0.0 => {
                Waveform::of(Node::Affine { scale, shift: shift - c / scale })
            }
            _ => self
                .entrywise(other, &|a, b| a + b)
                .unwrap_or_else(|| Waveform::of(Node::Sum(self.clone(), other.clone()))),
        }
    }

    /// The difference.
    pub fn minus(&self, other: &Scalar) -> Scalar {
        self.plus(&other.scaled(-1.0))
    }

    /// The product with a number.
    pub fn scaled(&self, factor: f64) -> Scalar {
        self.times(&Scalar::Constant(factor))
    }

    /// The product.
    pub fn times(&self, other: &Scalar) -> Scalar {
        match (self.constant(), other.constant(), self.affine(), other.affine()) {
            (Some(a), Some(b), ..) => Scalar::Constant(a * b),
            (Some(1.0), ..) => other.clone(),
            (_, Some(1.0), ..) => self.clone(),
            (Some(c), None, _, Some((scale, shift))) | (None, Some(c), Some((scale, shift)), _) => {
                Waveform::of(Node::Affine { scale: c * scale, shift })
            }
            _ => self
                .entrywise(other, &|a, b| a * b)
                .unwrap_or_else(|| Waveform::of(Node::Product(self.clone(), other.clone()))),
        }
    }

    /// The square; that of a square root is its argument.
    pub fn squared(&self) -> Scalar {
        let Scalar::Varying(w) = self else { return self.times(self) };
        match &*w.node {
            Node::Function(Function::Sqrt, x) => Scalar::Varying(x.clone()),
            Node::Product(a, b) => a.squared().times(&b.squared()),
            Node::Quotient(a, b) => a.squared().over(&b.squared()),
            _ => self.times(self),
        }
    }

    /// The quotient.
    pub fn over(&self, other: &Scalar) -> Scalar {
        match (self.constant(), other.constant(), self.affine()) {
            (Some(a), Some(b), _) => Scalar::Constant(a / b),
            (None, Some(c), Some((scale, shift))) => Waveform::of(Node::Affine { scale: scale / c, shift }),
            // sin(x)/x has a limit at zero, which a quotient does not.
            _ if self.is_sine_of(other) => other.apply(Function::Sinc),
            _ => self
                .entrywise(other, &|a, b| a / b)
                .unwrap_or_else(|| Waveform::of(Node::Quotient(self.clone(), other.clone()))),
        }
    }

    /// The power `self^exponent`.
    pub fn to_power(&self, exponent: &Scalar) -> Scalar {
        match (self.constant(), exponent.constant()) {
            (Some(a), Some(b)) => Scalar::Constant(a.powf(b)),
            _ => self
                .entrywise(exponent, &f64::powf)
                .unwrap_or_else(|| Waveform::of(Node::Power(self.clone(), exponent.clone()))),
        }
    }

    /// A function of it.
    pub fn apply(&self, function: Function) -> Scalar {
        match self {
            Scalar::Constant(x) => Scalar::Constant(function.value(*x, 0.0)),
            Scalar::Varying(w) => match (self.table(), self.as_train()) {
                (Some((table, x)), _) => x.looked_up_in(table.iter().map(|a| function.value(*a, 0.0)).collect()),
                (None, Some((edges, values, x))) => {
                    let values = values.iter().map(|a| function.value(*a, 0.0)).collect();
                    Scalar::Varying(x.clone()).train(edges, values)
                }
                (None, None) => Waveform::of(Node::Function(function, w.clone())),
            },
        }
    }

    /// The smaller or larger of two.
    pub fn extreme(&self, function: Function, other: &Scalar) -> Scalar {
        match (self.constant(), other.constant()) {
            (Some(a), Some(b)) => Scalar::Constant(function.value(a, b)),
            _ => self
                .entrywise(other, &|a, b| function.value(a, b))
                .unwrap_or_else(|| Waveform::of(Node::Extreme(function, self.clone(), other.clone()))),
        }
    }

    /// The table entry with this index, counted from zero.
    pub fn looked_up(&self, table: &Arc<[f64]>) -> Scalar {
        match self {
            Scalar::Constant(x) => Scalar::Constant(table.get(entry(*x, table.len())).copied().unwrap_or(0.0)),
            Scalar::Varying(x) => x.looked_up_in(table.clone()),
        }
    }

    /// The values of a train, one for each step; `None` for other functions.
    pub fn levels(&self) -> Option<&[f64]> {
        self.as_train().map(|(_, values, _)| &**values)
    }

    /// A train with every value replaced; other functions stay as they are.
    pub fn with_levels(&self, change: &mut dyn FnMut(f64) -> f64) -> Scalar {
        match self.as_train() {
            Some((edges, values, x)) => {
                Scalar::Varying(x.clone()).train(edges, values.iter().map(|value| change(*value)).collect())
            }
            None => self.clone(),
        }
    }

    /// The value, one for each step, of the step in which it lies: a periodic function of it that is constant between edges.
    pub fn train(&self, edges: &Arc<Edges>, values: Arc<[f64]>) -> Scalar {
        match (self, values.first()) {
            (Scalar::Constant(x), _) => Scalar::Constant(values.get(edges.step(*x)).copied().unwrap_or(0.0)),
            (_, Some(first)) if values.iter().all(|x| x == first) => Scalar::Constant(*first),
            (Scalar::Varying(x), _) => Waveform::of(Node::Train(edges.clone(), values, x.clone())),
        }
    }

    /// The function delayed to start at time `start`: `f(t - start)`.
    pub fn delayed(&self, start: f64) -> Scalar {
        match self {
            Scalar::Varying(w) if start != 0.0 => w.over_time(1.0, start),
            other => other.clone(),
        }
    }

    /// The number with these values of the variables; `None` if it depends on time.
    pub fn number(&self, values: &[f64]) -> Option<f64> {
        match self {
            Scalar::Constant(x) => Some(*x),
            Scalar::Varying(w) => w.number(values),
        }
    }

    /// The function with these values of the variables.
    pub fn bound(&self, of: &dyn Fn(usize) -> f64) -> Scalar {
        match self {
            Scalar::Constant(x) => Scalar::Constant(*x),
            Scalar::Varying(w) => w.bound(of),
        }
    }

    /// The function compressed in time: `f(factor t)`.
    pub fn compressed(&self, factor: f64) -> Scalar {
        match self {
            Scalar::Varying(w) if factor != 1.0 => w.over_time(factor, 0.0),
            other => other.clone(),
        }
    }
}

impl Waveform {
    fn looked_up_in(&self, table: Arc<[f64]>) -> Scalar {
        match table.first() {
            Some(first) if table.iter().all(|x| x == first) => Scalar::Constant(*first),
            _ => Waveform::of(Node::Table(table, self.clone())),
        }
    }
}

/// The common period of some numbers, if they are time-dependent and have one.
pub fn common_period<'a>(scalars: impl IntoIterator<Item = &'a Scalar>) -> Option<f64> {
    let recurrence = |s: &Scalar| match s {
        Scalar::Constant(_) => Recurrence::Constant,
        Scalar::Varying(w) => w.recurrence(),
    };
    match scalars.into_iter().fold(Recurrence::Constant, |all, s| all.with(recurrence(s))) {
        Recurrence::Every(period) => Some(period),
        Recurrence::Constant | Recurrence::Never => None,
    }
}

/// How far numbers are from repeating themselves after a time: the distance of the time from a whole number of their periods, in periods;
/// 0 if it is rounding. `None` if one of them has no period.
pub fn out_of_step<'a>(scalars: impl IntoIterator<Item = &'a Scalar>, time: f64) -> Option<f64> {
    // A time is a sum of durations, each of them rounded.
    const ROUNDING: f64 = 32.0 * f64::EPSILON;
    let mut largest = 0.0f64;
    for scalar in scalars {
        let Scalar::Varying(waveform) = scalar else { continue };
        match waveform.recurrence() {
            Recurrence::Constant => {}
            Recurrence::Every(period) => {
                let turns = time / period;
                let distance = (turns - turns.round()).abs();
                largest = largest.max(if distance <= ROUNDING * turns { 0.0 } else { distance });
            }
            Recurrence::Never => return None,
        }
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(scale: f64) -> Scalar {
        Scalar::time().scaled(scale).apply(Function::Cos)
    }

    #[test]
    fn expressions_have_their_values() {
        let t = Scalar::time();
        let f = t.minus(&Scalar::Constant(0.3)).scaled(5.0).apply(Function::Sin).plus(&Scalar::Constant(2.0));
        assert!((f.at(0.7) - ((5.0 * (0.7f64 - 0.3)).sin() + 2.0)).abs() < 1e-15);
        assert!((f.delayed(0.2).at(0.9) - f.at(0.7)).abs() < 1e-15);
        assert!((f.compressed(2.0).at(0.35) - f.at(0.7)).abs() < 1e-15);
    }

    #[test]
    fn tables_of_equal_steps_stay_tables() {
        let steps = |x: [f64; 3]| Scalar::time().scaled(3.0).looked_up(&x.into());
        let both = steps([1.0, 2.0, 3.0]).times(&steps([0.5, 1.0, 2.0]).scaled(2.0));
        assert_eq!(both.table().map(|(t, _)| t.to_vec()), Some(vec![1.0, 4.0, 12.0]));
        assert_eq!([both.at(-1.0), both.at(0.5), both.at(9.0)], [1.0, 4.0, 12.0]);
    }

    #[test]
    fn periods_are_common_multiples() {
        let tau = std::f64::consts::TAU;
        assert_eq!(common_period([&wave(2.0), &wave(4.0)]), Some(tau / 2.0));
        assert_eq!(common_period([&wave(2.0), &wave(3.0)]), Some(tau));
        assert_eq!(common_period([&wave(1.0), &wave(2f64.sqrt())]), None);
        assert_eq!(common_period([&wave(1.0), &Scalar::time()]), None);
        assert_eq!(common_period([&Scalar::Constant(1.0)]), None);
    }
}
