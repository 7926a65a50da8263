//! Gradient-based minimisation: L-BFGS (Liu and Nocedal, Math. Program. 45, 503) with a line search for the strong Wolfe conditions (Nocedal
//! and Wright, Numerical Optimization, 3.5).
//!
//! It is unconstrained. Bounds are handled by the caller with the substitution `sin u`, whose derivative vanishes on the bound, so a search
//! may converge there; clipping would give the method a wrong curvature.

use std::collections::VecDeque;

/// Number of steps in the L-BFGS memory.
const MEMORY: usize = 20;

/// Smallest relative change of a cost that is above rounding.
pub const FINEST: f64 = 1e-14;

/// A gradient below this ends a search.
const FLAT: f64 = 1e-10;

/// A cost function with gradient; `None` if undefined.
pub type CostWithGradient<'a> = &'a dyn Fn(&[f64]) -> Option<(f64, Vec<f64>)>;

/// An evaluated point: position, cost, gradient.
#[derive(Clone)]
struct Seen {
    at: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

/// Cost assigned to points where it is undefined.
pub const WALL: f64 = 1e10;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `a + t b`.
fn along(a: &[f64], t: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(x, y)| x + t * y).collect()
}

/// Steps s and changes y of the gradient, with `1/(s . y)`, the latest last.
#[derive(Default)]
struct Memory {
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
}

impl Memory {
    fn learn(&mut self, from: &Seen, to: &Seen) {
        let (s, y) = (along(&to.at, -1.0, &from.at), along(&to.gradient, -1.0, &from.gradient));
        let curvature = dot(&s, &y);
        // Rounding alone, or a step against the curvature, tells nothing.
        if curvature <= 1e-14 * dot(&s, &s).sqrt() * dot(&y, &y).sqrt() {
            return;
        }
        if self.pairs.len() == MEMORY {
            self.pairs.pop_front();
        }
        self.pairs.push_back((s, y, 1.0 / curvature));
    }

    /// The direction `-H g`, where H approximates the inverse of the second derivatives; its size before the first step is that of g.
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q = gradient.to_vec();
        let mut factors = Vec::with_capacity(self.pairs.len());
        for (s, y, inverse) in self.pairs.iter().rev() {
            let factor = inverse * dot(s, &q);
            q = along(&q, -factor, y);
            factors.push(factor);
        }
        if let Some((s, y, _)) = self.pairs.back() {
            let size = dot(s, y) / dot(y, y);
            q.iter_mut().for_each(|x| *x *= size);
        }
        for ((s, y, inverse), factor) in self.pairs.iter().zip(factors.into_iter().rev()) {
            q = along(&q, factor - inverse * dot(y, &q), s);
        }
        q.iter_mut().for_each(|x| *x = -*x);
        q
    }
}

/// A point of a line search: its distance, the cost, and the derivative along the line.
struct Point {
    t: f64,
    slope: f64,
    seen: Seen,
}

/// The minimum of the cubic through two points with their derivatives, if it lies well inside; otherwise the middle.
fn between(a: &Point, b: &Point) -> f64 {
    let middle = 0.5 * (a.t + b.t);
    if a.seen.cost.max(b.seen.cost) >= WALL {
        return middle;
    }
    let width = b.t - a.t;
    let d = a.slope + b.slope - 3.0 * (b.seen.cost - a.seen.cost) / width;
    let root = (d * d - a.slope * b.slope).sqrt() * width.signum();
    let t = b.t - width * (b.slope + root - d) / (b.slope - a.slope + 2.0 * root);
    let share = (t - a.t) / width;
    if (0.05..=0.95).contains(&share) { t } else { middle }
}

/// A point along a direction where the cost is low enough for the distance, and its derivative small enough; the best that was found if
/// there is none, and `None` if nothing is lower.
fn line_search(function: CostWithGradient, from: &Seen, direction: &[f64], first: f64) -> Option<Seen> {
    const LOWER: f64 = 1e-4;
    const FLATTER: f64 = 0.9;
    const TRIES: usize = 20;
    // Below this fraction a change of the cost is rounding.
    const ROUNDING: f64 = 1e-16;
    const LONGER: f64 = 3.0;
    let steepness = dot(&from.gradient, direction);
    let mut low = Point { t: 0.0, slope: steepness, seen: from.clone() };
    let mut high: Option<Point> = None;
    let mut t = first;
    for _ in 0..TRIES {
        let seen = look(function, along(&from.at, t, direction));
        let here = Point { t, slope: dot(&seen.gradient, direction), seen };
        let too_high = here.seen.cost > from.cost + LOWER * t * steepness;
        if too_high || (low.t > 0.0 && here.seen.cost >= low.seen.cost) {
            high = Some(here);
        } else {
            if here.slope.abs() <= -FLATTER * steepness {
                return Some(here.seen);
            }
            let ahead = high.as_ref().map_or(1.0, |h| h.t - low.t);
            let before = std::mem::replace(&mut low, here);
            if low.slope * ahead >= 0.0 {
                high = Some(before);
            }
        }
        t = high.as_ref().map_or(LONGER * t, |high| between(&low, high));
        if (t * steepness).abs() < ROUNDING * from.cost.abs() {
            break;
        }
    }
    (low.t > 0.0).then_some(low.seen)
}

fn look(function: CostWithGradient, at: Vec<f64>) -> Seen {
    let finite = |(cost, gradient): &(f64, Vec<f64>)| cost.is_finite() && gradient.iter().all(|g| g.is_finite());
    let (cost, gradient) = function(&at).filter(finite).unwrap_or_else(|| (WALL, vec![0.0; at.len()]));
    Seen { at, cost, gradient }
}

/// Minimises from a start point until a step changes the cost by less than `least`; returns the lowest cost evaluated and its position.
/// Costs should be of order 1.
pub fn descend(function: CostWithGradient, start: Vec<f64>, iterations: u64, least: f64) -> (f64, Vec<f64>) {
    descend_to(function, start, iterations, least, f64::NEG_INFINITY)
}

/// The same, which ends as soon as the cost is at most `enough`.
pub fn descend_to(
    function: CostWithGradient,
    start: Vec<f64>,
    iterations: u64,
    least: f64,
    enough: f64,
) -> (f64, Vec<f64>) {
    let mut here = look(function, start);
    let mut memory = Memory::default();
    for _ in 0..iterations {
        let size = dot(&here.gradient, &here.gradient).sqrt();
        if here.cost <= enough || here.cost >= WALL || size.is_nan() || size < FLAT {
            break;
        }
        let mut direction = memory.direction(&here.gradient);
        if dot(&direction, &here.gradient) >= 0.0 {
            memory = Memory::default();
            direction = memory.direction(&here.gradient);
        }
        let first = if memory.pairs.is_empty() { f64::min(1.0, 1.0 / size) } else { 1.0 };
        let Some(next) = line_search(function, &here, &direction, first) else {
            // What was learnt may mislead near a kink; rounding ends the search.
            if memory.pairs.is_empty() {
                break;
            }
            memory = Memory::default();
            continue;
        };
        let change = here.cost - next.cost;
        memory.learn(&here, &next);
        here = next;
        if change < least {
            break;
        }
    }
    (here.cost, here.at)
}

#[cfg(test)]
mod tests {
    use super::{FINEST, descend};

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_end() {
        let function = |x: &[f64]| {
            let (a, b) = (x[0], x[1]);
            let cost = (1.0 - a).powi(2) + 100.0 * (b - a * a).powi(2);
            Some((cost, vec![-2.0 * (1.0 - a) - 400.0 * a * (b - a * a), 200.0 * (b - a * a)]))
        };
        let (cost, at) = descend(&function, vec![-1.2, 1.0], 200, FINEST);
        assert!(cost < 1e-14 && (at[0] - 1.0).abs() < 1e-6 && (at[1] - 1.0).abs() < 1e-6, "{cost} {at:?}");
    }

    #[test]
    fn what_is_flat_or_nowhere_defined_ends_where_it_began() {
        assert_eq!(descend(&|_| Some((3.0, vec![0.0])), vec![0.5], 10, FINEST), (3.0, vec![0.5]));
        assert_eq!(descend(&|_| None, vec![0.5], 10, FINEST).1, vec![0.5]);
    }
}
