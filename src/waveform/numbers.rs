//! Numbers as straight-line code over SIMD lanes: each operation is evaluated once for a batch of points.
//!
//! A number of an experiment (a coefficient, a duration, a temperature) is an expression of parameters. The expressions of all numbers
//! form one list of operations, in which common subexpressions occur once. A lane is irregular, and its results must not be used, if an
//! operation has no finite value, or its value would be rejected in the evaluation of a single point (division by zero).

use super::function::Function;
use super::scalar::{Node, Scalar, Waveform, entry};
use crate::lanes::{LANES, Lane};
use std::collections::HashMap;
use std::sync::Arc;

/// An operation on the results of earlier ones, given by index.
enum Operation {
    Constant(f64),
    Variable(usize),
    Sum(usize, usize),
    Product(usize, usize),
    Quotient(usize, usize),
    Power(usize, usize),
    Function(Function, usize),
    Extreme(Function, usize, usize),
    Table(Arc<[f64]>, usize),
}

/// The list of operations.
#[derive(Default)]
pub struct Numbers {
    operations: Vec<Operation>,
    known: HashMap<usize, usize>,
    /// Keeps the expressions alive whose addresses are keys of `known`.
    kept: Vec<Waveform>,
}

/// Index of the operation that computes a number of the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot(usize);

impl Slot {
    /// Its value in each lane, from those of all slots.
    #[inline(always)]
    pub fn of(self, slots: &[Lane]) -> Lane {
        slots.get(self.0).copied().unwrap_or(Lane::splat(f64::NAN))
    }
}

impl Numbers {
    /// Adds a number; `None` if it depends on time.
    pub fn add(&mut self, scalar: &Scalar) -> Option<Slot> {
        self.scalar(scalar).map(Slot)
    }

    /// The value of a slot, if it is the same in all lanes.
    pub fn constant(&self, slot: Slot) -> Option<f64> {
        match self.operations.get(slot.0) {
            Some(Operation::Constant(x)) => Some(*x),
            _ => None,
        }
    }

    fn push(&mut self, operation: Operation) -> usize {
        self.operations.push(operation);
        self.operations.len() - 1
    }

    fn scalar(&mut self, scalar: &Scalar) -> Option<usize> {
        match scalar {
            Scalar::Constant(x) => Some(self.push(Operation::Constant(*x))),
            Scalar::Varying(w) => self.waveform(w),
        }
    }

    fn waveform(&mut self, waveform: &Waveform) -> Option<usize> {
        let key = Arc::as_ptr(&waveform.node).addr();
        if let Some(found) = self.known.get(&key) {
            return Some(*found);
        }
        let operation = match &*waveform.node {
            Node::Affine { .. } => return None,
            Node::Variable(k) => Operation::Variable(*k),
            Node::Sum(a, b) => Operation::Sum(self.scalar(a)?, self.scalar(b)?),
            Node::Product(a, b) => Operation::Product(self.scalar(a)?, self.scalar(b)?),
            Node::Quotient(a, b) => Operation::Quotient(self.scalar(a)?, self.scalar(b)?),
            Node::Power(a, b) => Operation::Power(self.scalar(a)?, self.scalar(b)?),
            Node::Function(f, x) => Operation::Function(*f, self.waveform(x)?),
            Node::Extreme(f, a, b) => Operation::Extreme(*f, self.scalar(a)?, self.scalar(b)?),
            Node::Table(table, x) => Operation::Table(table.clone(), self.waveform(x)?),
            // Trains are functions of time, which numbers are not.
            Node::Train(..) => return None,
        };
        let made = self.push(operation);
        self.known.insert(key, made);
        self.kept.push(waveform.clone());
        Some(made)
    }

    /// The values of all slots for a batch, from those of the variables. Lanes are only added to `irregular`, never removed.
    pub fn evaluate(&self, variables: &[Lane], slots: &mut Vec<Lane>, irregular: &mut [bool; LANES]) {
        slots.clear();
        for operation in &self.operations {
            // Operands precede the operations that use them.
            let of = |k: &usize| slots.get(*k).copied().unwrap_or(Lane::splat(f64::NAN));
            let each = |a: Lane, b: Lane, f: &dyn Fn(f64, f64) -> f64| {
                Lane(std::array::from_fn(|l| match (a.0.get(l), b.0.get(l)) {
                    (Some(a), Some(b)) => f(*a, *b),
                    _ => f64::NAN,
                }))
            };
            let value = match operation {
                Operation::Constant(x) => Lane::splat(*x),
                Operation::Variable(k) => variables.get(*k).copied().unwrap_or(Lane::splat(f64::NAN)),
                Operation::Sum(a, b) => each(of(a), of(b), &|a, b| a + b),
                Operation::Product(a, b) => each(of(a), of(b), &|a, b| a * b),
                Operation::Quotient(a, b) => each(of(a), of(b), &|a, b| a / b),
                Operation::Power(a, b) => each(of(a), of(b), &f64::powf),
                Operation::Function(f, x) => each(of(x), of(x), &|x, _| f.value(x, 0.0)),
                Operation::Extreme(f, a, b) => each(of(a), of(b), &|a, b| f.value(a, b)),
                Operation::Table(table, x) => {
                    each(of(x), of(x), &|x, _| table.get(entry(x, table.len())).copied().unwrap_or(0.0))
                }
            };
            value.0.iter().zip(irregular.iter_mut()).for_each(|(x, irregular)| *irregular |= !x.is_finite());
            slots.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers in lanes have the same bits as the evaluation of a single point.
    #[test]
    fn lanes_have_the_values_of_single_points() {
        let build = |x: &Scalar, y: &Scalar| {
            let third = x.plus(&y.scaled(3.0)).over(&Scalar::Constant(3.0));
            let wave = x.times(y).apply(Function::Sin).plus(&third.to_power(&Scalar::Constant(2.0)));
            wave.extreme(Function::Max, &y.minus(x)).plus(&x.apply(Function::Exp))
        };
        let mut numbers = Numbers::default();
        let (x, y) = (Scalar::variable(0), Scalar::variable(1));
        let slot = numbers.add(&build(&x, &y)).unwrap();
        let inputs = [0.3, 0.7].map(|x| Lane(std::array::from_fn(|l| x * (l as f64 - 4.0))));
        let (mut slots, mut irregular) = (vec![], [false; LANES]);
        numbers.evaluate(&inputs, &mut slots, &mut irregular);
        for (l, irregular) in irregular.iter().enumerate() {
            let one = build(&Scalar::Constant(inputs[0].0[l]), &Scalar::Constant(inputs[1].0[l]));
            assert_eq!(slot.of(&slots).0[l], one.constant().unwrap());
            assert!(!irregular);
        }
    }

    #[test]
    fn divisions_by_zero_are_irregular() {
        let mut numbers = Numbers::default();
        let x = Scalar::variable(0);
        // The quotient is finite, but a single point is rejected all the same.
        let slot = numbers.add(&Scalar::Constant(1.0).over(&Scalar::Constant(1.0).over(&x))).unwrap();
        let lane = Lane(std::array::from_fn(|l| l as f64));
        let (mut slots, mut irregular) = (vec![], [false; LANES]);
        numbers.evaluate(&[lane], &mut slots, &mut irregular);
        assert!(irregular[0] && !irregular[1]);
        assert_eq!(slot.of(&slots).0[1], 1.0);
        assert!(numbers.add(&Scalar::time()).is_none());
    }
}
