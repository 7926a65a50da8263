//! Gradient-based minimisation: L-BFGS (Liu and Nocedal, Math. Program. 45, 503) with the line search of More and Thuente.
//!
//! It is unconstrained. Bounds are handled by the caller with the substitution `sin u`, whose derivative vanishes on the bound, so a search
//! may converge there; clipping would give the method a wrong curvature.

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use std::cell::RefCell;

/// Number of steps in the L-BFGS memory.
const MEMORY: usize = 12;

/// Smallest relative change of a cost that is above rounding.
pub const FINEST: f64 = 1e-14;

/// A cost function with gradient; `None` if undefined.
pub type Slope<'a> = &'a dyn Fn(&[f64]) -> Option<(f64, Vec<f64>)>;

/// An evaluated point: position, cost, gradient.
#[derive(Clone)]
struct Seen {
    at: Vec<f64>,
    cost: f64,
    gradient: Vec<f64>,
}

struct Problem<'a> {
    slope: Slope<'a>,
    /// The last point, since the solver evaluates cost and gradient separately, and the best point, since a failed line search
    /// returns none.
    seen: RefCell<(Option<Seen>, Option<Seen>)>,
}

/// Cost assigned to points where it is undefined.
pub const WALL: f64 = 1e10;

impl Problem<'_> {
    fn at(&self, x: &[f64]) -> Seen {
        if let (Some(last), _) = &*self.seen.borrow()
            && last.at == x
        {
            return last.clone();
        }
        let (cost, gradient) = (self.slope)(x).unwrap_or_else(|| (WALL, vec![0.0; x.len()]));
        let seen = Seen { at: x.to_vec(), cost, gradient };
        let (last, best) = &mut *self.seen.borrow_mut();
        if best.as_ref().is_none_or(|b| cost < b.cost) {
            *best = Some(seen.clone());
        }
        *last = Some(seen.clone());
        seen
    }
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;
    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.at(x).cost)
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;
    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.at(x).gradient)
    }
}

/// Minimises from a start point until a step changes the cost by less than `least`; returns the lowest cost evaluated and its position.
/// Costs should be of order 1.
pub fn descend(slope: Slope, start: Vec<f64>, iterations: u64, least: f64) -> (f64, Vec<f64>) {
    descend_to(slope, start, iterations, least, f64::NEG_INFINITY)
}

/// The same, which ends as soon as the cost is at most `enough`.
pub fn descend_to(slope: Slope, start: Vec<f64>, iterations: u64, least: f64, enough: f64) -> (f64, Vec<f64>) {
    let problem = Problem { slope, seen: RefCell::default() };
    let first = problem.at(&start);
    // A line search needs a nonzero gradient.
    if first.cost > enough && first.gradient.iter().any(|g| *g != 0.0) {
        let gradient = |solver: LBFGS<_, Vec<f64>, Vec<f64>, f64>| solver.with_tolerance_grad(1e-10);
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), MEMORY);
        if let Ok(solver) = gradient(solver).and_then(|s| s.with_tolerance_cost(least)) {
            // The best point is recorded even if the line search fails.
            let _ = Executor::new(&problem, solver)
                .configure(|state| state.param(start).max_iters(iterations).target_cost(enough))
                .ctrlc(false)
                .run();
        }
    }
    match problem.seen.into_inner().1 {
        Some(best) => (best.cost, best.at),
        None => (first.cost, first.at),
    }
}

#[cfg(test)]
mod tests {
    use super::{FINEST, descend};

    #[test]
    fn rosenbrocks_valley_is_followed_to_its_end() {
        let slope = |x: &[f64]| {
            let (a, b) = (x[0], x[1]);
            let cost = (1.0 - a).powi(2) + 100.0 * (b - a * a).powi(2);
            Some((cost, vec![-2.0 * (1.0 - a) - 400.0 * a * (b - a * a), 200.0 * (b - a * a)]))
        };
        let (cost, at) = descend(&slope, vec![-1.2, 1.0], 200, FINEST);
        assert!(cost < 1e-14 && (at[0] - 1.0).abs() < 1e-6 && (at[1] - 1.0).abs() < 1e-6, "{cost} {at:?}");
    }

    #[test]
    fn what_is_flat_or_nowhere_defined_ends_where_it_began() {
        assert_eq!(descend(&|_| Some((3.0, vec![0.0])), vec![0.5], 10, FINEST), (3.0, vec![0.5]));
        assert_eq!(descend(&|_| None, vec![0.5], 10, FINEST).1, vec![0.5]);
    }
}
