//! Multistart global minimisation of a cost with many local minima: rounds of sampling and descents, until an undiscovered lower minimum
//! is unlikely.
//!
//! Every round doubles the number of points of Halton's sequence at which the cost is evaluated. Half of its descents are chosen: they
//! start at sampled points with no better sampled point and no known minimum nearby (multi-level single linkage; Rinnooy Kan and Timmer,
//! Math. Program. 39, 57), best first. The other half are blind: they start at further points of the sequence, regardless of the cost.
//!
//! The probability that the global minimum was missed is estimated by capture-recapture. If n blind descents ended in w different minima,
//! `f1` of them once and `f2` twice, the fraction u of unseen basins is `w (w + 1)/(n (n - 1))` for basins of similar size (Boender and
//! Rinnooy Kan, Math. Program. 37, 59), or `m/(w + m)` with `m = f1 (f1 - 1)/(2 (f2 + 1))` for basins of unequal size (Chao, Scand. J.
//! Statist. 11, 265), whichever is larger; the global minimum is assumed as likely to be in one of them as any other minimum. The chosen
//! descents search independently: if all of the t lowest minima of the blind ones were also found by the chosen ones, the probability that
//! these miss the next one is about `1/(t + 2)`. The doubt is the probability that both missed the global minimum, `u/(t + 2)`.
//! It does not account for a minimum much narrower than the distance between sampled points. The rounds end when the doubt is small and the
//! last round found nothing better, or when the budget of evaluations is spent; the doubt then states how reliable the result is.

use super::halton::halton;
use rayon::prelude::*;

/// A cost function on the unit cube; `None` if undefined at a point.
pub type Cost<'a> = &'a (dyn Fn(&[f64]) -> Option<f64> + Sync);

/// A local search: arguments are start point, first step, and whether to converge tightly.
pub type Descent<'a> = &'a (dyn Fn(&[f64], f64, bool) -> Ended + Sync);

/// Result of a local search.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// Final point.
    pub at: Vec<f64>,
    /// Cost at this point.
    pub cost: f64,
    /// Number of evaluations.
    pub evaluations: usize,
}

/// Result of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowest {
    /// Lowest point found.
    pub at: Vec<f64>,
    /// Cost at this point.
    pub cost: f64,
    /// Number of evaluations of the cost.
    pub evaluations: usize,
    /// Number of descents.
    pub descents: usize,
    /// Number of descents that ended in the lowest minimum.
    pub alike: usize,
    /// Number of minima of different cost.
    pub minima: usize,
    /// Estimated probability that a lower minimum exists.
    pub doubt: f64,
    /// True if the doubt is small and the last round found nothing better.
    pub settled: bool,
}

/// Minima count as equal if their costs differ by less than this fraction of the range of costs.
const ALIKE: f64 = 1e-5;

/// A doubt below this counts as small.
const SMALL: f64 = 0.02;

/// Minimises a cost over the unit cube; `sampled` are its values at the first points of Halton's sequence, and no round starts after
/// `budget` evaluations. `None` if the cost is undefined at all sampled points.
pub fn lowest(
    cost: Cost,
    descend: Descent,
    dimensions: usize,
    sampled: Vec<Option<f64>>,
    budget: usize,
) -> Option<Lowest> {
    let mut search =
        Search { dimensions, points: vec![], chosen: vec![], blind: vec![], evaluations: 0, tried: vec![] };
    search.add(sampled);
    search.points.first()?;
    let mut before = f64::INFINITY;
    let mut settled = false;
    loop {
        search.descend(descend, budget);
        let best = search.best();
        let (_, _, doubt) = search.counts();
        settled = settled || (best >= before - ALIKE * search.range() && doubt < SMALL);
        before = best;
        if settled || search.evaluations >= budget {
            break;
        }
        let (from, to) = (search.sampled(), 2 * search.sampled());
        search.add((from..to).into_par_iter().map(|k| cost(&halton(k, dimensions))).collect());
    }
    let (alike, minima, doubt) = search.counts();
    let descents = search.ended().count();
    let found = search.polished(descend);
    let evaluations = search.evaluations;
    Some(Lowest { at: found.at, cost: found.cost, evaluations, descents, alike, minima, doubt, settled })
}

struct Search {
    dimensions: usize,
    /// Sampled points with a defined cost: (index in Halton's sequence, cost).
    points: Vec<(usize, f64)>,
    /// Results of the chosen descents.
    chosen: Vec<Ended>,
    /// Results of the blind descents.
    blind: Vec<Ended>,
    evaluations: usize,
    /// Halton indices of the sampled points from which a descent was started.
    tried: Vec<usize>,
}

impl Search {
    fn ended(&self) -> impl Iterator<Item = &Ended> {
        self.chosen.iter().chain(&self.blind)
    }

    fn sampled(&self) -> usize {
        self.evaluations - self.ended().map(|e| e.evaluations).sum::<usize>()
    }

    fn add(&mut self, costs: Vec<Option<f64>>) {
        let from = self.sampled();
        self.evaluations += costs.len();
        self.points
            .extend(costs.into_iter().enumerate().filter_map(|(k, c)| Some((from + k, c.filter(|c| c.is_finite())?))));
    }

    /// Range of the sampled costs.
    fn range(&self) -> f64 {
        let (low, high) =
            self.points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p.1), b.max(p.1)));
        (high - low).max(f64::MIN_POSITIVE)
    }

    fn best(&self) -> f64 {
        let sampled = self.points.iter().map(|p| p.1);
        self.ended().map(|e| e.cost).chain(sampled).fold(f64::INFINITY, f64::min)
    }

    /// Number of descents that ended in the lowest minimum, number of different minima, and the doubt.
    fn counts(&self) -> (usize, usize, f64) {
        let near = ALIKE * self.range();
        // Different costs, each with its number of descents.
        let different = |ended: &mut dyn Iterator<Item = &Ended>| {
            let mut costs: Vec<f64> = ended.map(|e| e.cost).collect();
            costs.sort_by(f64::total_cmp);
            let groups = costs.chunk_by(|a, b| b - a <= near);
            groups.filter_map(|g| Some((*g.first()?, g.len()))).collect::<Vec<_>>()
        };
        let (all, chosen) = (different(&mut self.ended()), different(&mut self.chosen.iter()));
        let blind = different(&mut self.blind.iter());
        let known = |cost: f64| chosen.iter().any(|c| (c.0 - cost).abs() <= near);
        let (n, w) = (self.blind.len() as f64, blind.len() as f64);
        let even = if n > 1.0 { (w * (w + 1.0) / (n * (n - 1.0))).min(1.0) } else { 1.0 };
        let times = |k: usize| blind.iter().filter(|b| b.1 == k).count() as f64;
        let more = times(1) * (times(1) - 1.0).max(0.0) / (2.0 * (times(2) + 1.0));
        let missed = even.max(more / (w + more));
        let found = blind.iter().take_while(|b| known(b.0)).count() as f64;
        (all.first().map_or(0, |a| a.1), all.len(), missed / (found + 2.0))
    }

    /// Half the edge length of the cube in which better neighbours are searched.
    fn radius(&self) -> f64 {
        let (n, many) = (self.dimensions as i32, self.points.len() as f64);
        // As many neighbours as in a grid, or the critical number of single linkage, which is smaller in many dimensions.
        let neighbours = 3f64.powi(n).min(4.0 * many.ln().max(1.0));
        0.5 * (neighbours / many).powf(1.0 / f64::from(n))
    }

    /// Untried sampled points without a better sampled point or a known minimum nearby, best first.
    fn heads(&self) -> Vec<usize> {
        let radius = self.radius();
        let mut ordered = self.points.clone();
        ordered.sort_by(|a, b| a.1.total_cmp(&b.1));
        let places: Vec<Vec<f64>> = ordered.iter().map(|p| halton(p.0, self.dimensions)).collect();
        let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(x, y)| (x - y).abs() < radius);
        let head = |k: usize, place: &[f64]| !places.iter().take(k).any(|better| near(place, better));
        ordered
            .iter()
            .zip(&places)
            .enumerate()
            .filter(|(k, (_, place))| !self.ended().any(|e| near(place, &e.at)) && head(*k, place))
            .map(|(_, (point, _))| point.0)
            .filter(|k| !self.tried.contains(k))
            .collect()
    }

    /// Runs the descents of a round.
    fn descend(&mut self, descend: Descent, budget: usize) {
        /// First Halton index of the blind start points.
        const ELSEWHERE: usize = 1 << 24;
        // A minimum number of descents of each kind, and more if there are more candidates and the budget allows it.
        let least = 2 * self.dimensions + 4;
        let mut heads = self.heads();
        let done = self.ended().count();
        let one = (self.evaluations - self.sampled()).div_ceil(done.max(1)).max(1);
        let affordable = budget.saturating_sub(self.evaluations) / (2 * one);
        heads.truncate((self.points.len() / 16).min(affordable).max(least));
        self.tried.extend(&heads);
        let blind = heads.len().max(least);
        let anywhere = (self.blind.len()..self.blind.len() + blind).map(|k| ELSEWHERE + k);
        let starts: Vec<Vec<f64>> = heads.iter().copied().chain(anywhere).map(|k| halton(k, self.dimensions)).collect();
        // Half the distance between sampled points.
        let step = (0.5 * (self.points.len() as f64).powf(-1.0 / self.dimensions as f64)).min(0.1);
        let mut ended: Vec<Ended> = starts.par_iter().map(|start| descend(start, step, false)).collect();
        self.evaluations += ended.iter().map(|e| e.evaluations).sum::<usize>();
        self.blind.extend(ended.split_off(heads.len()));
        self.chosen.extend(ended);
    }

    /// Refines the best points to full precision and returns the lowest.
    fn polished(&mut self, descend: Descent) -> Ended {
        const BEST: usize = 4;
        const STEP: f64 = 1e-3;
        let mut ends: Vec<Ended> = self.ended().cloned().collect();
        ends.extend(self.points.iter().map(|(k, cost)| Ended {
            at: halton(*k, self.dimensions),
            cost: *cost,
            evaluations: 0,
        }));
        ends.sort_by(|a, b| a.cost.total_cmp(&b.cost));
        ends.truncate(BEST);
        let polished: Vec<Ended> = ends.par_iter().map(|e| descend(&e.at, STEP, true)).collect();
        self.evaluations += polished.iter().map(|e| e.evaluations).sum::<usize>();
        ends.into_iter().chain(polished).min_by(|a, b| a.cost.total_cmp(&b.cost)).unwrap_or(Ended {
            at: vec![0.5; self.dimensions],
            cost: f64::INFINITY,
            evaluations: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// Pattern search, sufficient for smooth costs.
    fn descend(cost: Cost, start: &[f64], step: f64, tight: bool) -> Ended {
        let (mut at, mut size, mut evaluations) = (start.to_vec(), step, 1);
        let mut best = cost(&at).unwrap();
        while size > if tight { 1e-9 } else { 1e-4 } {
            let mut moved = false;
            for k in 0..at.len() {
                for sign in [1.0, -1.0] {
                    let mut next = at.clone();
                    next[k] = (next[k] + sign * size).clamp(0.0, 1.0);
                    let y = cost(&next).unwrap();
                    evaluations += 1;
                    if y < best {
                        (at, best, moved) = (next, y, true);
                    }
                }
            }
            if !moved {
                size *= 0.5;
            }
        }
        Ended { at, cost: best, evaluations }
    }

    fn found(cost: Cost, n: usize, budget: usize) -> Lowest {
        let sampled = (0..64 * n).map(|k| cost(&halton(k, n))).collect();
        lowest(cost, &|start, step, tight| descend(cost, start, step, tight), n, sampled, budget).unwrap()
    }

    #[test]
    fn one_minimum_is_settled_soon() {
        let cost = |x: &[f64]| Some(x.iter().map(|x| (x - 0.3).powi(2)).sum());
        let l = found(&cost, 2, 100_000);
        assert!(l.cost < 1e-16 && l.minima == 1 && l.alike == l.descents && l.settled && l.evaluations < 5000, "{l:?}");
    }

    #[test]
    fn a_narrow_minimum_among_many_is_found_or_its_doubt_is_told() {
        // Forty oscillations; the lowest minimum is lower than its neighbours by about 1e-3.
        let beats = |x: &[f64]| Some(-(80.0 * PI * x[0]).sin() - 0.4 * (3.0 * x[0] + 0.2).sin());
        let l = found(&beats, 1, 4000);
        let grid = (0..=1_000_000).map(|k| beats(&[f64::from(k) * 1e-6]).unwrap()).fold(f64::INFINITY, f64::min);
        assert!(l.cost <= grid + 1e-9, "{l:?} {grid}");
        assert!(l.minima > 20 && (l.settled || l.doubt > SMALL), "{l:?}");
        // Rastrigin function, 11 x 11 minima, the lowest not at a grid point.
        let many = |x: &[f64]| {
            Some(x.iter().map(|x| 10.0 * (x - 0.437)).map(|x| x * x + 10.0 * (1.0 - (2.0 * PI * x).cos())).sum::<f64>())
        };
        let l = found(&many, 2, 20_000);
        assert!(l.cost < 1e-12, "{l:?}");
    }

    #[test]
    fn where_nothing_has_a_value_nothing_is_found() {
        let nowhere = |_: &[f64]| None;
        let never = |start: &[f64], _: f64, _: bool| Ended { at: start.to_vec(), cost: 0.0, evaluations: 1 };
        assert_eq!(lowest(&nowhere, &never, 1, vec![None; 4], 10), None);
    }
}
