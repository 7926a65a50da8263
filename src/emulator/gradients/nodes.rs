//! Derivatives of the numbers of a compiled sequence with respect to a parameter.
//!
//! These numbers (durations, Hamiltonians, rates, the prepared state) are elementary functions of the parameters. They are evaluated at a few
//! values of the parameter, called nodes, at the distances `x_j` from its own value, and the derivative is that of the polynomial through all
//! of them:
//!
//! ```text
//! f' = sum_j w_j f(x_j),  w_j = (1/x_j) prod_(m != j) x_m/(x_m - x_j),  w_0 = -sum_j w_j
//! ```
//!
//! A number that is linear in the parameter, as most of them are, needs two nodes, and its derivative is exact to rounding. For the others four
//! nodes give an error of fourth order in the distance; its size follows from the derivative through fewer nodes, and the distance is reduced
//! until it is below 1e-9 of the derivative. Where that is not possible (a kink, or a step that appears or vanishes) there is no derivative.

use crate::linalg::C64;

/// A group of numbers that are compared together: a matrix, or one number.
pub(super) type Block = Vec<C64>;

/// The interval in which a parameter lies, and its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Interval {
    pub x: f64,
    pub low: f64,
    pub high: f64,
}

/// Distances of the two nodes that show a linear dependence, and of all nodes, as fractions of the largest distance. In the middle of the
/// interval, and at its ends. The two are not symmetric: of an odd function symmetric ones would show no curvature.
const CENTRED: ([f64; 2], [f64; 4]) = ([1.0, -0.5], [1.0, -0.5, 0.5, -1.0]);
const ONE_SIDED: ([f64; 2], [f64; 4]) = ([1.0, 0.5], [1.0, 0.5, 0.25, 0.75]);

/// Largest distance of a node, as a fraction of the value of the parameter or of its interval.
const DISTANCE: f64 = 1e-3;

/// How often the distance is reduced, and by what factor.
const TRIES: usize = 4;
const SHORTER: f64 = 0.2;

/// Differences of numbers below this multiple of their size are rounding.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// Difference between the derivatives through four and through two nodes, as a fraction: the error of the former is of the order of its
/// square.
const CLOSE: f64 = 3e-5;

/// The weights of the polynomial through zero and these distances.
fn weights(distances: &[f64]) -> Vec<f64> {
    let weight = |j: usize, x: &f64| {
        let others = distances.iter().enumerate().filter(|(m, _)| *m != j);
        others.map(|(_, y)| y / (y - x)).product::<f64>() / x
    };
    distances.iter().enumerate().map(|(j, x)| weight(j, x)).collect()
}

fn size(block: &[C64]) -> f64 {
    block.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt()
}

/// `sum_j w_j (f_j - f_0)` of a block.
fn combined(own: &[C64], others: &[&Block], weights: &[f64]) -> Block {
    let mut sum = vec![C64::default(); own.len()];
    for (other, weight) in others.iter().zip(weights) {
        sum.iter_mut().zip(other.iter().zip(own)).for_each(|(s, (a, b))| *s += (a - b) * weight);
    }
    sum
}

/// The derivative of every block with respect to the parameter; `None` for blocks that do not depend on it. `at` gives the blocks at a distance
/// from the value of the parameter, or `None` where they are undefined or another list.
///
/// `None` if there is no derivative.
pub(super) fn derivatives(
    own: &[Block],
    interval: Interval,
    at: &mut dyn FnMut(f64) -> Option<Vec<Block>>,
) -> Option<Vec<Option<Block>>> {
    let Interval { x, low, high } = interval;
    let range = high - low;
    let scale = x.abs().clamp(1e-3 * range, range);
    let (below, above) = (x - low, high - x);
    let mut longest = DISTANCE * scale;
    for _ in 0..TRIES {
        let (pattern, longest_here) = if below.min(above) >= 0.1 * longest {
            (CENTRED, longest.min(below).min(above))
        } else if above >= below {
            (ONE_SIDED, longest.min(above))
        } else {
            (ONE_SIDED, -longest.min(below))
        };
        if let Some(found) = with_nodes(own, pattern, longest_here, at) {
            return Some(found);
        }
        longest = longest_here.abs() * SHORTER;
    }
    None
}

fn with_nodes(
    own: &[Block],
    (pair, all): ([f64; 2], [f64; 4]),
    longest: f64,
    at: &mut dyn FnMut(f64) -> Option<Vec<Block>>,
) -> Option<Vec<Option<Block>>> {
    let mut nodes: Vec<Vec<Block>> = Vec::with_capacity(all.len());
    let mut look = |share: f64, nodes: &mut Vec<Vec<Block>>| -> Option<()> {
        let found = at(share * longest)?;
        let alike = found.len() == own.len() && found.iter().zip(own).all(|(a, b)| a.len() == b.len());
        alike.then(|| nodes.push(found))
    };
    pair.iter().try_for_each(|share| look(*share, &mut nodes))?;
    let distances = |shares: &[f64]| -> Vec<f64> { shares.iter().map(|share| share * longest).collect() };
    let (two, four) = (weights(&distances(&pair)), weights(&distances(&all)));
    let linear = |k: usize, block: &Block, nodes: &[Vec<Block>]| -> bool {
        let derivative = |j: usize| {
            let (node, share) = (nodes.get(j).and_then(|node| node.get(k)), pair.get(j).copied().unwrap_or(1.0));
            combined(block, &node.into_iter().collect::<Vec<_>>(), &[1.0 / (share * longest)])
        };
        let difference: Block = derivative(0).iter().zip(derivative(1)).map(|(a, b)| a - b).collect();
        size(&difference) <= ROUNDING * size(block) / longest.abs()
    };
    let curved: Vec<bool> = own.iter().enumerate().map(|(k, block)| !linear(k, block, &nodes)).collect();
    if curved.iter().any(|c| *c) {
        all.iter().skip(pair.len()).try_for_each(|share| look(*share, &mut nodes))?;
    }
    let of = |(k, block): (usize, &Block)| -> Option<Option<Block>> {
        let others: Vec<&Block> = nodes.iter().filter_map(|node| node.get(k)).collect();
        if others.iter().all(|other| *other == block) {
            return Some(None);
        }
        let fine = combined(block, &others, if curved.get(k) == Some(&true) { &four } else { &two });
        let coarse = combined(block, &others, &two);
        let difference: Block = fine.iter().zip(&coarse).map(|(a, b)| a - b).collect();
        let rounding = ROUNDING * size(block) / longest.abs();
        (size(&difference) <= CLOSE * size(&fine) + rounding).then_some(Some(fine))
    };
    own.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::{Interval, derivatives};
    use crate::linalg::real;

    fn derivative(f: &dyn Fn(f64) -> f64, x: f64, low: f64, high: f64) -> (Option<f64>, usize) {
        let mut count = 0;
        let mut at = |by: f64| {
            count += 1;
            assert!((low..=high).contains(&(x + by)), "{} is outside", x + by);
            Some(vec![vec![real(f(x + by))]])
        };
        let own = [vec![real(f(x))]];
        let found = derivatives(&own, Interval { x, low, high }, &mut at);
        (found.map(|d| d[0].as_ref().map_or(0.0, |d| d[0].re)), count)
    }

    #[test]
    fn smooth_functions_have_their_derivatives() {
        type Case<'a> = (&'a dyn Fn(f64) -> f64, &'a dyn Fn(f64) -> f64);
        let cases: [Case; 5] = [
            (&|x| (3.0 * x).sin(), &|x| 3.0 * (3.0 * x).cos()),
            (&|x| 1.0 / (x + 0.1), &|x| -1.0 / (x + 0.1).powi(2)),
            (&|x| (x + 0.05).sqrt(), &|x| 0.5 / (x + 0.05).sqrt()),
            (&|x| (-2.0 * x).exp(), &|x| -2.0 * (-2.0 * x).exp()),
            (&|x| (x + 0.01).powi(-3), &|x| -3.0 * (x + 0.01).powi(-4)),
        ];
        for (f, expected) in cases {
            for x in [0.0, 1e-9, 1e-3, 0.4, 1.7, 2.0] {
                let (found, count) = derivative(f, x, 0.0, 2.0);
                let found = found.unwrap_or_else(|| panic!("{x}"));
                // The error is bounded by the square of the difference that is allowed, 1e-9, and by rounding over the distance.
                assert!((found / expected(x) - 1.0).abs() < 1e-8, "{x}: {found} {}", expected(x));
                assert!(count <= 16);
            }
        }
    }

    #[test]
    fn lines_take_two_nodes_and_kinks_have_none() {
        for x in [0.0, 0.3, 1.0] {
            // 4e6 is rounded to 2.3e-10, a distance of 1e-6 (at x = 0) makes that 1e-3 of the derivative at most.
            let (found, count) = derivative(&|x| 4e6 - 3.0 * x, x, 0.0, 1.0);
            assert!((found.unwrap() + 3.0).abs() < 2e-3 && count == 2, "{found:?} {count}");
            assert_eq!(derivative(&|_| 5.0, x, 0.0, 1.0), (Some(0.0), 2));
        }
        assert_eq!(derivative(&|x| (x - 0.5).abs(), 0.5, 0.0, 1.0).0, None);
        assert_eq!(derivative(&|x| if x > 0.5 { 1.0 } else { 0.0 }, 0.5, 0.0, 1.0).0, None);
        // Odd about its value: two nodes at equal distances would take it for a line.
        assert!((derivative(&|x| (x - 0.5).sin(), 0.5, 0.0, 1.0).0.unwrap() - 1.0).abs() < 1e-12);
    }
}
