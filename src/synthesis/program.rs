//! Linear programs in standard form, and their refinement to full precision.

use crate::linalg::solve_positive;
use microlp::{ComparisonOp, OptimizationDirection, Problem};

/// How the rows of a program are compared with their right-hand sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Equal.
    Equal,
    /// At most.
    AtMost,
}

/// A linear program: minimise `cost . x` subject to `rows x = right` or `<= right`, with bounds on every x.
#[derive(Debug, Clone)]
pub struct Program {
    /// Cost of every variable.
    pub cost: Vec<f64>,
    /// Lower and upper bound of every variable.
    pub bounds: Vec<(f64, f64)>,
    /// The rows: coefficients, comparison, right-hand side.
    pub rows: Vec<(Vec<f64>, Rows, f64)>,
}

impl Program {
    /// The solution; `None` if there is none, or the solver fails.
    pub fn solve(&self) -> Option<Vec<f64>> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        let variables: Vec<_> = self.cost.iter().zip(&self.bounds).map(|(c, b)| problem.add_var(*c, *b)).collect();
        for (row, comparison, right) in &self.rows {
            let terms: Vec<_> = variables.iter().copied().zip(row.iter().copied()).filter(|(_, c)| *c != 0.0).collect();
            let comparison = match comparison {
                Rows::Equal => ComparisonOp::Eq,
                Rows::AtMost => ComparisonOp::Le,
            };
            problem.add_constraint(terms.as_slice(), comparison, *right);
        }
        let solution = problem.solve().ok()?.into_solution().ok()?;
        let x: Vec<f64> = variables.iter().map(|v| solution.var_value(*v)).collect();
        x.iter().all(|x| x.is_finite()).then_some(x)
    }

    /// The largest amount by which an equality is missed.
    fn missed(&self, x: &[f64]) -> f64 {
        let of = |(row, _, right): &(Vec<f64>, Rows, f64)| {
            (row.iter().zip(x).map(|(c, x)| c * x).sum::<f64>() - right).abs()
        };
        self.rows.iter().map(of).fold(0.0, f64::max)
    }

    /// The solution of a program of equalities, whose variables away from their lower bound 0, and all free ones, solve the equalities
    /// to rounding. The solver's own tolerance is about 1e-8.
    pub fn solve_exactly(&self) -> Option<Vec<f64>> {
        const AT_BOUND: f64 = 1e-9;
        // Far above the tolerance of the solver: of columns that are dependent it may return what solves nothing.
        const MISSED: f64 = 1e-6;
        let x = self.solve()?;
        let size = self.rows.iter().map(|r| r.2.abs()).fold(0.0, f64::max);
        if self.missed(&x) > MISSED * size {
            return None;
        }
        let free = |k: usize| self.bounds[k].0 < 0.0;
        let active: Vec<usize> = (0..x.len()).filter(|&k| free(k) || x[k] > AT_BOUND).collect();
        let columns: Vec<Vec<f64>> = active.iter().map(|&k| self.rows.iter().map(|r| r.0[k]).collect()).collect();
        let right: Vec<f64> = self.rows.iter().map(|r| r.2).collect();
        let Some(found) = least_squares(&columns, &right, &active.iter().map(|&k| x[k]).collect::<Vec<_>>()) else {
            return Some(x);
        };
        let mut exact = vec![0.0; x.len()];
        for (&k, value) in active.iter().zip(found) {
            if value < 0.0 && !free(k) {
                return Some(x);
            }
            exact[k] = value;
        }
        Some(if self.missed(&exact) <= self.missed(&x) { exact } else { x })
    }
}

/// The x nearest to a guess with the least `|sum_k x_k c_k - right|`; `None` if the columns are dependent.
fn least_squares(columns: &[Vec<f64>], right: &[f64], guess: &[f64]) -> Option<Vec<f64>> {
    let mut x = guess.to_vec();
    let n = columns.len();
    if n == 0 {
        return Some(x);
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(p, q)| p * q).sum::<f64>();
    let mut normal: Vec<f64> = columns.iter().flat_map(|a| columns.iter().map(move |b| dot(a, b))).collect();
    // Free directions of dependent columns stay where the guess has them.
    let largest = (0..n).map(|k| normal[k * n + k]).fold(0.0, f64::max);
    (0..n).for_each(|k| normal[k * n + k] += 1e-13 * largest);
    for _ in 0..4 {
        let rest: Vec<f64> =
            (0..right.len()).map(|r| right[r] - columns.iter().zip(&x).map(|(c, x)| c[r] * x).sum::<f64>()).collect();
        let step = solve_positive(&normal, &columns.iter().map(|c| dot(c, &rest)).collect::<Vec<_>>())?;
        x.iter_mut().zip(step).for_each(|(x, s)| *x += s);
    }
    Some(x)
}

/// An orthonormal basis of the span of some vectors.
pub fn span<'a>(vectors: impl Iterator<Item = &'a Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for v in vectors {
        let size = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let rest = outside(&basis, v);
        let length = rest.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length > 1e-9 * size && length > 0.0 {
            basis.push(rest.iter().map(|x| x / length).collect());
        }
        if basis.len() == v.len() {
            break;
        }
    }
    basis
}

/// The part of a vector outside the span of an orthonormal basis.
pub fn outside(basis: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    let mut rest = v.to_vec();
    for _ in 0..2 {
        for b in basis {
            let c: f64 = b.iter().zip(&rest).map(|(p, q)| p * q).sum();
            rest.iter_mut().zip(b).for_each(|(x, b)| *x -= c * b);
        }
    }
    rest
}

/// The components of a vector along a basis.
pub fn along(basis: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    basis.iter().map(|b| b.iter().zip(v).map(|(p, q)| p * q).sum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_two_variables() {
        let mut program = Program {
            cost: vec![1.0, 2.0, 0.0],
            bounds: vec![(0.0, f64::INFINITY), (0.0, f64::INFINITY), (f64::NEG_INFINITY, f64::INFINITY)],
            rows: vec![(vec![1.0, 1.0, 0.0], Rows::Equal, 3.0), (vec![1.0, -1.0, 1.0], Rows::Equal, -0.5)],
        };
        let x = program.solve_exactly().unwrap();
        assert!((x[0] - 3.0).abs() < 1e-14 && x[1].abs() < 1e-14 && (x[2] + 3.5).abs() < 1e-13, "{x:?}");
        program.rows.push((vec![1.0, 0.0, 0.0], Rows::Equal, -1.0));
        assert_eq!(program.solve(), None);
    }
}
