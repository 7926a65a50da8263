//! Whether a function of time is negative somewhere, by interval arithmetic.

use super::scalar::Scalar;

/// The sign of a function over a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sign {
    /// It is nowhere below zero by more than `ALLOWED` of its size.
    NotNegative,
    /// It is negative at a time: the time, and the value.
    Negative(f64, f64),
    /// It is infinite or not a number at a time.
    Undefined(f64),
    /// Around this time it is too close to zero for a decision.
    Undecided(f64),
}

/// Values below zero by less than this fraction of the largest one are zero.
const ALLOWED: f64 = 1e-9;

/// Rounding of a value, as a fraction of the largest one.
const ROUNDING: f64 = 1e-12;

/// Number of equidistant times at which the function is evaluated first.
const FIRST: usize = 129;

/// Largest number of intervals.
const MOST: usize = 200_000;

/// The sign between 0 and `to`. Intervals whose enclosure reaches below zero are divided until it does not, or a negative value is found.
pub fn sign(scalar: &Scalar, to: f64) -> Sign {
    let period = match scalar {
        Scalar::Constant(x) if !x.is_finite() => return Sign::Undefined(0.0),
        Scalar::Constant(x) => return if *x < 0.0 { Sign::Negative(0.0, *x) } else { Sign::NotNegative },
        Scalar::Varying(waveform) => waveform.period(),
    };
    let span = period.map_or(to, |period| period.min(to));
    let points = (0..FIRST).map(|k| span * k as f64 / (FIRST - 1) as f64);
    let values: Vec<(f64, f64)> = points.map(|t| (t, scalar.at(t))).collect();
    if let Some((t, _)) = values.iter().find(|(_, x)| !x.is_finite()) {
        return Sign::Undefined(*t);
    }
    let scale = values.iter().fold(0.0f64, |most, (_, x)| most.max(x.abs()));
    let below = |x: f64| x < -ROUNDING * scale;
    if let Some((t, x)) = values.iter().find(|(_, x)| below(*x)) {
        return Sign::Negative(*t, *x);
    }
    let mut open = vec![(0.0, span)];
    let mut count = 0;
    while let Some((from, to)) = open.pop() {
        count += 1;
        let range = scalar.range(from, to);
        if range.is_finite() && range.lo >= -ALLOWED * scale {
            continue;
        }
        let middle = 0.5 * (from + to);
        let value = scalar.at(middle);
        if !value.is_finite() {
            return Sign::Undefined(middle);
        }
        if below(value) {
            return Sign::Negative(middle, value);
        }
        if count >= MOST || middle <= from || middle >= to {
            return Sign::Undecided(middle);
        }
        open.extend([(middle, to), (from, middle)]);
    }
    Sign::NotNegative
}

#[cfg(test)]
mod tests {
    use super::super::function::Function;
    use super::*;

    fn time() -> Scalar {
        Scalar::time()
    }

    fn number(x: f64) -> Scalar {
        Scalar::Constant(x)
    }

    #[test]
    fn functions_that_touch_zero_are_not_negative() {
        let saturating = number(1.0).minus(&time().scaled(-3.0).apply(Function::Exp));
        let touching = number(1.0).minus(&time().scaled(50.0).apply(Function::Cos));
        let square = time().minus(&number(0.4)).times(&time().minus(&number(0.4)));
        let root = time().apply(Function::Sqrt);
        let step = time().minus(&number(0.3)).apply(Function::Step);
        for f in [saturating, touching, square, root, step, number(0.0), number(2.0)] {
            assert_eq!(sign(&f, 2.0), Sign::NotNegative, "{f:?}");
        }
    }

    #[test]
    fn negative_and_undefined_values_are_found() {
        // Below zero between 0.9999 and 1.0001 only, which no equidistant point meets.
        let near = time().minus(&number(0.9999)).times(&time().minus(&number(1.0001)));
        let Sign::Negative(t, x) = sign(&near, 1.7) else { panic!("{:?}", sign(&near, 1.7)) };
        assert!((0.9999..=1.0001).contains(&t) && x < 0.0, "{t} {x}");
        assert!(matches!(sign(&time().scaled(-1.0), 1.0), Sign::Negative(..)));
        assert_eq!(sign(&number(-1.0), 1.0), Sign::Negative(0.0, -1.0));
        assert_eq!(sign(&number(1.0).over(&time()), 1.0), Sign::Undefined(0.0));
        assert!(matches!(sign(&number(1.0).over(&time().minus(&number(0.3))), 1.0), Sign::Negative(..)));
        let root = time().minus(&number(0.5)).apply(Function::Sqrt);
        assert_eq!(sign(&root, 1.0), Sign::Undefined(0.0));
    }
}
