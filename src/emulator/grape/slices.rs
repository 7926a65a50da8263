//! Shaped parts of a sequence as slices of constant Hamiltonian, linear in the steps of the shapes.
//!
//! With `z_k = x_k + i y_k` the steps of all shapes, one after another, a slice has the Hamiltonian
//!
//! ```text
//! H = h + sum over fields of x X + y Y,  x + i y = c z_k,
//! ```
//!
//! with a complex factor c from rise time, droop, noise, offset and modulation. With the impulse response of a transmitter several steps
//! contribute to a slice. Where c varies within a step, the step is divided into
//! intervals of two slices each, the fourth-order commutator-free method (Blanes and Moan, Appl. Numer. Math. 56, 1519): with the values
//! c1 and c2 at the Gauss points the slices have the factors `2 (a c1 + b c2)` and `2 (b c1 + a c2)`, `a, b = 1/4 +- sqrt(3)/6`.

#![expect(
    clippy::indexing_slicing,
    reason = "fields name the drives of their own piece, and steps of the vector that they are given"
)]

use crate::hamiltonian::{Scalar, ShapeSteps};
use crate::linalg::{C64, Matrix, real};

/// A field in a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// Index of its X and Y among the drives of the piece.
    pub drive: usize,
    /// Index of the step among those of all shapes.
    pub step: usize,
    /// The factor c.
    pub factor: C64,
}

/// A time of constant Hamiltonian.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    pub duration: f64,
    pub fields: Vec<Field>,
}

/// Consecutive slices with the same drift.
pub(super) struct ShapedPiece {
    /// The Hamiltonian without the shaped fields, rad/s.
    pub h: Matrix,
    /// X and Y of every field, rad/s; for a transient, rad.
    pub drives: Vec<(Matrix, Matrix)>,
    pub slices: Vec<Slice>,
    /// True if its duration is a time: a transient has none.
    pub timed: bool,
    /// The shapes of its fields, and the duration of one of their steps.
    pub steps: Vec<(usize, f64)>,
}

impl ShapedPiece {
    /// The Hamiltonian of a slice for given steps.
    pub fn hamiltonian(&self, slice: &Slice, steps: &[(f64, f64)]) -> Matrix {
        let mut sum = self.h.clone();
        for field in &slice.fields {
            let (x, y) = steps[field.step];
            let z = field.factor * C64::new(x, y);
            let (of_x, of_y) = &self.drives[field.drive];
            if z.re != 0.0 {
                sum.zip_apply(of_x, |s, o| *s += o * z.re);
            }
            if z.im != 0.0 {
                sum.zip_apply(of_y, |s, o| *s += o * z.im);
            }
        }
        sum
    }

    /// Adds `Re Tr[dH Z]` for the derivatives of the Hamiltonian of a slice with respect to the steps.
    pub fn collect(&self, slice: &Slice, z: &Matrix, sums: &mut [(f64, f64)]) {
        for field in &slice.fields {
            let (of_x, of_y) = &self.drives[field.drive];
            let (x, y, c) = (trace(of_x, z), trace(of_y, z), field.factor);
            let sum = &mut sums[field.step];
            sum.0 += c.re * x + c.im * y;
            sum.1 += c.re * y - c.im * x;
        }
    }
}

/// `Re Tr[A Z]` of a Hermitian A.
fn trace(a: &Matrix, z: &Matrix) -> f64 {
    // A_ji = conj(A_ij).
    a.iter().zip(z.iter()).map(|(a, z)| a.re * z.re + a.im * z.im).sum()
}

/// How a field in a segment follows the steps of its shape.
pub(super) struct Follower<'a> {
    /// Its steps in this segment.
    pub steps: &'a ShapeSteps,
    /// Index of the first step of its shape among those of all shapes, and their number.
    pub first: usize,
    pub count: usize,
}

impl Follower<'_> {
    fn position(&self, share: f64) -> f64 {
        self.steps.from + (self.steps.to - self.steps.from) * share
    }

    /// The factor c at a time.
    fn factor(&self, t: f64) -> C64 {
        let at = |of: &Option<Scalar>, otherwise: f64| of.as_ref().map_or(otherwise, |s| s.at(t));
        C64::cis(at(&self.steps.turning, 0.0)) * at(&self.steps.response, 1.0)
    }

    fn varies(&self) -> bool {
        self.steps.response.is_some() || self.steps.turning.is_some()
    }
}

/// The slices of a segment of this duration; `rates` are the angular frequencies of the drift and of the fields, which determine how
/// finely a varying factor is divided.
pub(super) fn slices(duration: f64, followers: &[Follower], rate: f64) -> Vec<Slice> {
    let mut stops = vec![0.0, 1.0];
    for follower in followers {
        if let Some(kernel) = &follower.steps.kernel {
            let edges = (0..=kernel.intervals.len()).map(|k| (k as f64 * kernel.step - kernel.begin) / duration);
            stops.extend(edges.filter(|share| (1e-9..1.0 - 1e-9).contains(share)));
            continue;
        }
        let (from, to) = (follower.steps.from, follower.steps.to);
        let inside = (from.floor() as i64 + 1..to.ceil() as i64).map(|k| (k as f64 - from) / (to - from));
        stops.extend(inside.filter(|share| (0.0..1.0).contains(share)));
    }
    stops.sort_by(f64::total_cmp);
    // Steps of different shapes that end together up to rounding.
    stops.dedup_by(|b, a| (*b - *a).abs() < 1e-9);
    let mut out = Vec::with_capacity(stops.len());
    for pair in stops.windows(2) {
        let &[from, to] = pair else { continue };
        divided(duration, (from, to), followers, rate, &mut out);
    }
    out
}

/// Appends the slices between two stops, given as shares of the duration.
fn divided(duration: f64, (from, to): (f64, f64), followers: &[Follower], rate: f64, out: &mut Vec<Slice>) {
    let middle = 0.5 * (from + to);
    let fields = |of: &dyn Fn(&Follower) -> C64| -> Vec<Field> {
        let fields = |(drive, follower): (usize, &Follower)| {
            let field = |step: usize, factor: C64| Field { drive, step: follower.first + step, factor };
            let common = of(follower);
            if let Some(kernel) = &follower.steps.kernel {
                let interval = ((kernel.begin + middle * duration) / kernel.step) as usize;
                let parts = kernel.intervals.get(interval.min(kernel.intervals.len().saturating_sub(1)));
                return parts.into_iter().flatten().map(|(step, c)| field(*step, c * common)).collect::<Vec<_>>();
            }
            let inside = (follower.position(middle).max(0.0) as usize).min(follower.count.saturating_sub(1));
            vec![field(inside, common)]
        };
        followers.iter().enumerate().flat_map(fields).collect()
    };
    let length = (to - from) * duration;
    if !followers.iter().any(Follower::varies) {
        out.push(Slice { duration: length, fields: fields(&|_| real(1.0)) });
        return;
    }
    // The error of an interval is that of the variation of c times the angle turned, to the second power of each.
    const SMALL: f64 = 0.006;
    const SHORTEST: f64 = 1e-5;
    let at = |follower: &Follower, share: f64| follower.factor(duration * (from + (to - from) * share));
    let varied = |follower: &Follower| {
        (at(follower, 0.0) - at(follower, 1.0)).norm().max((at(follower, 0.0) - at(follower, 0.5)).norm())
    };
    let variation = followers.iter().map(varied).fold(0.0, f64::max);
    if variation * (1.0 + rate * length) > SMALL && to - from > SHORTEST {
        divided(duration, (from, middle), followers, rate, out);
        divided(duration, (middle, to), followers, rate, out);
        return;
    }
    let (a, b) = (0.25 + 3f64.sqrt() / 6.0, 0.25 - 3f64.sqrt() / 6.0);
    let gauss = [0.5 - 3f64.sqrt() / 6.0, 0.5 + 3f64.sqrt() / 6.0];
    for (first, second) in [(a, b), (b, a)] {
        let mixed = |f: &Follower| (at(f, gauss[0]) * first + at(f, gauss[1]) * second) * 2.0;
        out.push(Slice { duration: 0.5 * length, fields: fields(&mixed) });
    }
}
