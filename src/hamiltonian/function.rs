//! Real functions of time: the coefficients of a time-dependent Hamiltonian.

use std::fmt;
use std::sync::Arc;

/// A curve.
pub type Curve = Arc<dyn Fn(f64) -> f64 + Send + Sync>;

/// A number, or a function of the time since the statement began.
#[derive(Clone)]
pub enum Scalar {
    /// The same at all times.
    Constant(f64),
    /// A function of time.
    Varying(Function),
}

/// A function of time, and where it has corners or jumps.
#[derive(Clone)]
pub struct Function {
    /// Its value.
    pub curve: Curve,
    /// Curves whose zeros are corners or jumps of the function. An integration never steps over such a moment.
    pub edges: Vec<Curve>,
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Constant(x) => write!(f, "{x}"),
            Scalar::Varying(function) => function.fmt(f),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "f(t) with f(0) = {}", (self.curve)(0.0))
    }
}

impl Function {
    /// A smooth function.
    pub fn smooth(curve: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Function {
        Function { curve: Arc::new(curve), edges: vec![] }
    }

    /// The same function, beginning at time `start`.
    pub fn delayed(&self, start: f64) -> Function {
        let shift = |curve: &Curve| -> Curve {
            let curve = curve.clone();
            Arc::new(move |t| curve(t - start))
        };
        Function { curve: shift(&self.curve), edges: self.edges.iter().map(shift).collect() }
    }

    /// The moments inside `0 .. duration` at which the function has a corner or a jump, ascending: sign changes of the edge
    /// curves on a grid of 4096 intervals, each narrowed down by halving.
    pub fn corners(&self, duration: f64) -> Vec<f64> {
        const GRID: usize = 4096;
        let mut found = Vec::new();
        for edge in &self.edges {
            let at = |k: usize| duration * k as f64 / GRID as f64;
            let mut before = edge(0.0);
            for k in 1..=GRID {
                let now = edge(at(k));
                if (before < 0.0) != (now < 0.0) {
                    found.push(zero_between(edge, at(k - 1), at(k)));
                }
                before = now;
            }
        }
        found.retain(|t| *t > 0.0 && *t < duration);
        found.sort_by(f64::total_cmp);
        found.dedup();
        found
    }
}

fn zero_between(curve: &Curve, mut low: f64, mut high: f64) -> f64 {
    let negative = curve(low) < 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if (curve(middle) < 0.0) == negative { low = middle } else { high = middle }
    }
    // The later of the two: the function has its new value there.
    high
}

impl Scalar {
    /// The value at a time.
    pub fn at(&self, t: f64) -> f64 {
        match self {
            Scalar::Constant(x) => *x,
            Scalar::Varying(f) => (f.curve)(t),
        }
    }

    /// The value, if it is the same at all times.
    pub fn constant(&self) -> Option<f64> {
        match self {
            Scalar::Constant(x) => Some(*x),
            Scalar::Varying(_) => None,
        }
    }

    /// A function of one scalar.
    pub fn map(&self, f: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Scalar {
        match self {
            Scalar::Constant(x) => Scalar::Constant(f(*x)),
            Scalar::Varying(g) => {
                let curve = g.curve.clone();
                Scalar::Varying(Function { curve: Arc::new(move |t| f(curve(t))), edges: g.edges.clone() })
            }
        }
    }

    /// A function of two scalars.
    pub fn with(&self, other: &Scalar, f: impl Fn(f64, f64) -> f64 + Send + Sync + 'static) -> Scalar {
        if let (Scalar::Constant(x), Scalar::Constant(y)) = (self, other) {
            return Scalar::Constant(f(*x, *y));
        }
        let (a, b) = (self.clone(), other.clone());
        let edges = [self, other].into_iter().flat_map(|s| match s {
            Scalar::Constant(_) => vec![],
            Scalar::Varying(g) => g.edges.clone(),
        });
        Scalar::Varying(Function { edges: edges.collect(), curve: Arc::new(move |t| f(a.at(t), b.at(t))) })
    }

    /// The same scalar with a further edge where `edge` is zero.
    pub fn edged(self, edge: &Scalar) -> Scalar {
        match (self, edge) {
            (Scalar::Varying(mut f), Scalar::Varying(e)) => {
                f.edges.push(e.curve.clone());
                Scalar::Varying(f)
            }
            (scalar, _) => scalar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_is_found_to_the_last_bit() {
        let t = Scalar::Varying(Function::smooth(|t| t));
        let shifted = t.with(&Scalar::Constant(40e-6), |t, a| t - a);
        let step = shifted.map(|x| if x < 0.0 { 0.0 } else { 1.0 }).edged(&shifted);
        let Scalar::Varying(step) = step else { panic!("a function of time is expected") };
        let corners = step.corners(100e-6);
        assert_eq!(corners.len(), 1);
        assert!((corners[0] - 40e-6).abs() < 1e-20);
        assert_eq!((step.curve)(corners[0]), 1.0);
    }
}
