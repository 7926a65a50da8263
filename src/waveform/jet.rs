//! Taylor coefficients in interval arithmetic: for a function f and an interval of time, enclosures of `f^(k)(t) / k!` over all
//! t in it, by the recurrences of automatic differentiation (Griewank and Walther, Evaluating Derivatives, SIAM 2008, chapter
//! 13). The last coefficient bounds the error of a polynomial approximation of f.

#![expect(clippy::indexing_slicing, reason = "orders run up to ORDER, and a jet has ORDER + 1 coefficients")]

use super::function::Function;
use super::interval::{ENTIRE, Interval, ZERO};

/// Order of the highest coefficient.
pub const ORDER: usize = 8;

/// Enclosures of the Taylor coefficients 0 to [`ORDER`]; those above the requested order are not computed.
#[derive(Debug, Clone, Copy)]
pub struct Jet(pub [Interval; ORDER + 1]);

impl Jet {
    /// A constant.
    pub fn constant(value: Interval) -> Jet {
        let mut c = [ZERO; ORDER + 1];
        c[0] = value;
        Jet(c)
    }

    /// `a + b t`, with this value and slope.
    pub fn affine(value: Interval, slope: f64) -> Jet {
        let mut jet = Jet::constant(value);
        jet.0[1] = Interval::point(slope);
        jet
    }

    /// A function of which only the range is known.
    pub fn rough(value: Interval) -> Jet {
        let mut c = [ENTIRE; ORDER + 1];
        c[0] = value;
        Jet(c)
    }

    /// The range.
    pub fn value(&self) -> Interval {
        self.0[0]
    }

    #[inline]
    fn by(order: usize, mut coefficient: impl FnMut(usize, &[Interval]) -> Interval) -> Jet {
        let mut c = [ZERO; ORDER + 1];
        for k in 0..=order {
            let next = coefficient(k, &c[..k]);
            c[k] = next;
        }
        Jet(c)
    }

    /// Combines two jets coefficient by coefficient.
    fn each(&self, order: usize, other: &Jet, f: impl Fn(Interval, Interval) -> Interval) -> Jet {
        Jet::by(order, |k, _| f(self.0[k], other.0[k]))
    }

    /// The smallest enclosures that contain both.
    pub fn hull(&self, other: &Jet, order: usize) -> Jet {
        self.each(order, other, Interval::hull)
    }

    /// The sum.
    pub fn plus(&self, other: &Jet, order: usize) -> Jet {
        self.each(order, other, |a, b| a + b)
    }

    /// The difference.
    pub fn minus(&self, other: &Jet, order: usize) -> Jet {
        self.each(order, other, |a, b| a - b)
    }

    /// The negative.
    pub fn negated(&self, order: usize) -> Jet {
        self.each(order, self, |a, _| -a)
    }

    /// The product.
    pub fn times(&self, other: &Jet, order: usize) -> Jet {
        Jet::by(order, |k, _| {
            // A loop: closures in loops this deep are not inlined.
            let mut sum = ZERO;
            for j in 0..=k {
                sum = sum + self.0[j] * other.0[k - j];
            }
            sum
        })
    }

    /// The square, whose range is non-negative.
    pub fn square(&self, order: usize) -> Jet {
        let mut jet = self.times(self, order);
        jet.0[0] = self.0[0].square();
        jet
    }

    /// The quotient: `q_k = (u_k - sum_(j>0) v_j q_(k-j)) / v_0`.
    pub fn over(&self, divisor: &Jet, order: usize) -> Jet {
        let reciprocal = divisor.0[0].reciprocal();
        if !reciprocal.is_finite() {
            return Jet::rough(ENTIRE);
        }
        Jet::by(order, |k, q| {
            let rest = (1..=k).fold(self.0[k], |sum, j| sum - divisor.0[j] * q[k - j]);
            rest * reciprocal
        })
    }

    /// A power with a constant exponent.
    pub fn to_power(&self, p: f64, order: usize) -> Jet {
        const LARGEST_WHOLE: f64 = 64.0;
        if p.fract() == 0.0 && p.abs() <= LARGEST_WHOLE {
            let n = p.abs() as i32;
            let mut jet = Jet::constant(Interval::point(1.0));
            (0..n).for_each(|_| jet = jet.times(self, order));
            jet.0[0] = self.0[0].power(n);
            return if p < 0.0 { Jet::constant(Interval::point(1.0)).over(&jet, order) } else { jet };
        }
        let base = self.0[0];
        if base.lo <= 0.0 {
            return Jet::rough(base.real_power(p));
        }
        // k u_0 p_k = sum_(j=1..k) (p j - (k - j)) u_j p_(k-j).
        let reciprocal = base.reciprocal();
        Jet::by(order, |k, c| match k {
            0 => base.real_power(p),
            k => {
                let weight = |j: usize| p * j as f64 - (k - j) as f64;
                let sum = (1..=k).fold(ZERO, |sum, j| sum + (self.0[j] * c[k - j]).scaled(weight(j)));
                sum.scaled(1.0 / k as f64) * reciprocal
            }
        })
    }

    /// The integral of `rate(f) f'` with a known range: `f_k = (1/k) sum_(j=1..k) j u_j rate_(k-j)`.
    fn integrated(&self, value: Interval, order: usize, rate: &Jet) -> Jet {
        Jet::by(order, |k, _| if k == 0 { value } else { self.chain(k, |m| rate.0[m]) })
    }

    /// `(1/k) sum_(j=1..k) j u_j g_(k-j)`.
    fn chain(&self, k: usize, g: impl Fn(usize) -> Interval) -> Interval {
        let sum = (1..=k).fold(ZERO, |sum, j| sum + (self.0[j] * g(k - j)).scaled(j as f64));
        sum.scaled(1.0 / k as f64)
    }

    /// Two functions, the derivative of each being the other times a sign.
    fn coupled(&self, order: usize, values: [Interval; 2], signs: [f64; 2]) -> [Jet; 2] {
        let (mut s, mut c) = ([ZERO; ORDER + 1], [ZERO; ORDER + 1]);
        (s[0], c[0]) = (values[0], values[1]);
        // Of a phase that is linear in time.
        if self.0[2..].iter().all(|x| *x == ZERO) {
            for k in 1..=order {
                let slope = |other: Interval, sign: f64| (self.0[1] * other).scaled(sign / k as f64);
                (s[k], c[k]) = (slope(c[k - 1], signs[0]), slope(s[k - 1], signs[1]));
            }
            return [Jet(s), Jet(c)];
        }
        for k in 1..=order {
            s[k] = self.chain(k, |m| c[m]).scaled(signs[0]);
            c[k] = self.chain(k, |m| s[m]).scaled(signs[1]);
        }
        [Jet(s), Jet(c)]
    }

    fn sine_cosine(&self, order: usize) -> [Jet; 2] {
        self.coupled(order, [self.0[0].sin(), self.0[0].cos()], [1.0, -1.0])
    }

    fn hyperbolic(&self, order: usize) -> [Jet; 2] {
        self.coupled(order, [self.0[0].sinh(), self.0[0].cosh()], [1.0, 1.0])
    }

    /// `sin(x)/x`, by its power series for small x, since the quotient is undefined at zero.
    fn sinc(&self, order: usize) -> Jet {
        const SMALL: f64 = 2.0;
        const TERMS: u32 = 14;
        /// Bounds the next term of the series and of its derivatives.
        const REST: f64 = 1e-18;
        let x = self.0[0];
        if !x.contains(0.0) {
            return self.smooth(Function::Sin, order).over(self, order);
        }
        if x.magnitude() > SMALL {
            return Jet::rough(Interval { lo: -0.2173, hi: 1.0 });
        }
        // sum (-1)^m x^(2m) / (2m + 1)!, starting from the last term.
        let square = self.square(order);
        let one = Jet::constant(Interval::point(1.0));
        let mut jet = one;
        for m in (1..TERMS).rev() {
            let ratio = -1.0 / f64::from((2 * m) * (2 * m + 1));
            jet = one.plus(&Jet::by(order, |k, _| jet.0[k].scaled(ratio)).times(&square, order), order);
        }
        let rest = Interval { lo: -REST, hi: REST };
        Jet::by(order, |k, _| jet.0[k] + rest)
    }

    /// Applies a smooth function. Functions with kinks or jumps are handled where their arguments are known.
    pub fn smooth(&self, function: Function, order: usize) -> Jet {
        let u = self.0[0];
        let one = Jet::constant(Interval::point(1.0));
        match function {
            Function::Sin => self.sine_cosine(order)[0],
            Function::Cos => self.sine_cosine(order)[1],
            Function::Tan => {
                let [sine, cosine] = self.sine_cosine(order);
                sine.over(&cosine, order)
            }
            Function::Sinh => self.hyperbolic(order)[0],
            Function::Cosh => self.hyperbolic(order)[1],
            Function::Exp => Jet::by(order, |k, c| if k == 0 { u.exp() } else { self.chain(k, |m| c[m]) }),
            Function::Tanh => Jet::by(order, |k, t| match k {
                0 => u.tanh(),
                // The derivative is 1 - tanh^2.
                k => self.chain(k, |m| {
                    let squares = match m {
                        0 => t[0].square(),
                        m => (0..=m).fold(ZERO, |sum, j| sum + t[j] * t[m - j]),
                    };
                    Interval::point(if m == 0 { 1.0 } else { 0.0 }) - squares
                }),
            }),
            Function::Log => {
                let mut jet = self.integrated(u.ln(), order, &one.over(self, order));
                jet.0[0] = u.ln();
                jet
            }
            Function::Sqrt => {
                if u.lo <= 0.0 {
                    return Jet::rough(u.sqrt());
                }
                self.to_power(0.5, order)
            }
            Function::Atan => {
                let rate = one.over(&one.plus(&self.square(order), order), order);
                self.integrated(u.atan(), order, &rate)
            }
            Function::Asin | Function::Acos => {
                let inside = one.minus(&self.square(order), order);
                let value = u.asin();
                if inside.0[0].lo <= 0.0 {
                    return Jet::rough(if function == Function::Asin { value } else { complement(value) });
                }
                let asin = self.integrated(value, order, &inside.to_power(-0.5, order));
                if function == Function::Asin {
                    return asin;
                }
                let mut acos = asin.negated(order);
                acos.0[0] = complement(value);
                acos
            }
            Function::Sinc => self.sinc(order),
            Function::Abs | Function::Step | Function::Sign | Function::Floor | Function::Min | Function::Max => {
                Jet::rough(ENTIRE)
            }
        }
    }
}

/// `pi/2 - x`.
fn complement(x: Interval) -> Interval {
    Interval::point(std::f64::consts::FRAC_PI_2) - x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Taylor series reproduces each function.
    #[test]
    fn coefficients_are_those_of_the_series() {
        let smooth = [
            Function::Sin,
            Function::Cos,
            Function::Tan,
            Function::Sinh,
            Function::Cosh,
            Function::Tanh,
            Function::Exp,
            Function::Log,
            Function::Sqrt,
            Function::Asin,
            Function::Acos,
            Function::Atan,
            Function::Sinc,
        ];
        let (at, slope) = (0.4, 0.7);
        for function in smooth {
            let jet = Jet::affine(Interval::point(at), slope).smooth(function, ORDER);
            // At a small distance the error of the series is that of the first omitted term.
            let h: f64 = 0.02;
            let series: f64 = (0..=ORDER).map(|k| 0.5 * (jet.0[k].lo + jet.0[k].hi) * h.powi(k as i32)).sum();
            let exact = function.value(at + slope * h, 0.0);
            assert!((series - exact).abs() < 2e-14 * exact.abs().max(1.0), "{function:?}: {series} {exact}");
            assert!(jet.0.iter().all(|c| c.radius() < 1e-10), "{function:?}: {jet:?}");
        }
        let power = Jet::affine(Interval::point(at), slope).to_power(2.7, ORDER);
        let series: f64 = (0..=ORDER).map(|k| 0.5 * (power.0[k].lo + power.0[k].hi) * 0.02f64.powi(k as i32)).sum();
        assert!((series - (at + slope * 0.02).powf(2.7)).abs() < 2e-14);
    }
}
