//! Taylor models: a function on a cell of time as a smooth part with enclosed Taylor coefficients, plus an error bound (Makino and
//! Berz, Int. J. Pure Appl. Math. 4, 379 (2003)). For a nearly constant function, or one of which only the range is known, the error bound
//! is sharper than any coefficient.

use super::function::Function;
use super::interval::Interval;
use super::jet::{Jet, ORDER};

/// `f(t) = p(t) + e(t)` with `|e| <= error`.
#[derive(Debug, Clone, Copy)]
pub struct Model {
    /// The range of f, and the Taylor coefficients of p from order 1 on.
    pub jet: Jet,
    /// Upper bound of |e|.
    pub error: f64,
    /// True if it is the same number at all times; both bounds of the range are then that number.
    pub constant: bool,
}

impl Model {
    /// A constant.
    pub fn constant(x: f64) -> Model {
        Model { jet: Jet::constant(Interval::point(x)), error: 0.0, constant: x.is_finite() }
    }

    /// A smooth function.
    pub fn smooth(jet: Jet) -> Model {
        Model { jet, error: 0.0, constant: false }
    }

    /// A function of which only the range is known: a constant plus an error.
    pub fn rough(value: Interval) -> Model {
        Model { jet: Jet::constant(value), error: value.radius(), constant: false }
    }

    /// The range.
    pub fn value(&self) -> Interval {
        self.jet.value()
    }

    /// Bound of the difference from a polynomial of degree 7 in a cell: interpolation at Chebyshev nodes has an error of at most
    /// `2 (r/2)^8 |c_8|`, with r the radius of the cell.
    pub fn remainder(&self, length: f64) -> f64 {
        let rest = 2.0 * (0.25 * length).powi(ORDER as i32) * self.jet.0[ORDER].magnitude();
        // Zero times infinity gives no bound.
        if rest.is_nan() { f64::INFINITY } else { rest + self.error }
    }

    /// The same function as a constant with an error, if that is sharper or the coefficients are unbounded.
    pub fn settled(self, order: usize, length: f64) -> Model {
        if self.constant {
            return self;
        }
        let unbounded = !self.jet.0.iter().take(order + 1).skip(1).all(|c| c.is_finite()) || !self.error.is_finite();
        let coarse = order == ORDER && self.value().radius() <= self.remainder(length);
        if unbounded || coarse { Model::rough(self.value()) } else { self }
    }

    /// The jet of p alone: its range is that of f widened by the error.
    fn core(&self) -> Jet {
        let mut jet = self.jet;
        if self.error > 0.0 {
            jet.0[0] = jet.0[0] + Interval { lo: -self.error, hi: self.error };
        }
        jet
    }

    /// A result whose range follows from the ranges of its operands, independent of the smooth parts.
    fn of(range: Interval, mut jet: Jet, error: f64) -> Model {
        jet.0[0] = range;
        // Zero times infinity gives no bound.
        Model { jet, error: if error.is_nan() { f64::INFINITY } else { error }, constant: false }
    }

    /// A function that is linear in both.
    pub fn linear(&self, other: &Model, f: impl Fn(&Jet, &Jet) -> Jet) -> Model {
        Model { jet: f(&self.jet, &other.jet), error: self.error + other.error, constant: false }
    }

    /// Either of two functions: hull of ranges and slopes, which are not those of one polynomial.
    pub fn either(&self, other: &Model, order: usize) -> Model {
        Model { jet: self.jet.hull(&other.jet, order), error: self.error.max(other.error), constant: false }
    }

    /// The negative.
    pub fn negated(&self, order: usize) -> Model {
        Model { jet: self.jet.negated(order), error: self.error, constant: self.constant }
    }

    /// The product; the square if both are the same.
    pub fn times(&self, other: &Model, same: bool, order: usize) -> Model {
        let (a, b) = (self.core(), other.core());
        let jet = if same { a.square(order) } else { a.times(&b, order) };
        let error = a.value().magnitude() * other.error + b.value().magnitude() * self.error + self.error * other.error;
        let range = if same { self.value().square() } else { self.value() * other.value() };
        Model::of(range, jet, error)
    }

    /// The quotient.
    pub fn over(&self, divisor: &Model, order: usize) -> Model {
        let (a, b) = (self.core(), divisor.core());
        let jet = a.over(&b, order);
        if self.error == 0.0 && divisor.error == 0.0 {
            return Model::smooth(jet);
        }
        let error = (self.error + jet.value().magnitude() * divisor.error) * b.value().reciprocal().magnitude();
        Model::of(self.jet.over(&divisor.jet, 0).value(), jet, error)
    }

    /// A function of the model; the error is multiplied by the largest slope over the range.
    fn composed(&self, f: impl Fn(&Jet, usize) -> Jet, order: usize) -> Model {
        let core = self.core();
        let jet = f(&core, order);
        if self.error == 0.0 {
            return Model::smooth(jet);
        }
        let slope = f(&Jet::affine(core.value(), 1.0), 1).0[1].magnitude();
        Model::of(f(&self.jet, 0).value(), jet, slope * self.error)
    }

    /// A power with a constant exponent.
    pub fn to_power(&self, p: f64, order: usize) -> Model {
        self.composed(|jet, order| jet.to_power(p, order), order)
    }

    /// A function without kinks.
    pub fn apply(&self, function: Function, order: usize) -> Model {
        self.composed(|jet, order| jet.smooth(function, order), order)
    }
}
