//! The lowest point of a cost with many local minima: rounds of sampled points and descents, until what is unseen is unlikely.
//!
//! Every round doubles the number of points of Halton's sequence at which the cost is known. Half of its descents are chosen: they
//! begin at sampled points that have no better one near them (multi-level single linkage; Rinnooy Kan and Timmer, Math. Program. 39,
//! 57) and no known minimum, the best first. The other half are blind: they begin anywhere.
//!
//! Whether the best of all was missed is estimated by capture and recapture. Of n blind descents that ended in w
//! different minima, `f1` of them once and `f2` twice, the minima that they missed are a share u of all: `w (w + 1)/(n (n - 1))` for
//! basins of similar size (Boender and Rinnooy Kan, Math. Program. 37, 59), or `m/(w + m)` with `m = f1 (f1 - 1)/(2 (f2 + 1))` for
//! basins of unequal size (Chao, Scand. J. Statist. 11, 265), whichever is larger, and the best is among these as likely as any
//! other. The chosen descents look for it by themselves: if all of the t lowest minima of the blind ones were found by the chosen ones
//! too, the chance that these miss the next one is about `1/(t + 2)`. The doubt is the chance that both missed the best, `u/(t + 2)`.
//! A minimum much narrower than the distance of sampled points is not counted. The rounds end when the doubt is small and the last round
//! found nothing better, or when the budget of evaluations is spent; then the doubt says how sure the answer is.

use super::halton::halton;
use rayon::prelude::*;

/// A cost, defined on the unit cube; none where there is no value.
pub type Cost<'a> = &'a (dyn Fn(&[f64]) -> Option<f64> + Sync);

/// A local search from a point with a first step, loose or tight: where it ended, the cost there, and the evaluations it took.
pub type Descent<'a> = &'a (dyn Fn(&[f64], f64, bool) -> Ended + Sync);

/// Where a descent ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The point.
    pub at: Vec<f64>,
    /// The cost.
    pub cost: f64,
    /// How many evaluations it took.
    pub evaluations: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowest {
    /// The lowest point.
    pub at: Vec<f64>,
    /// The cost there.
    pub cost: f64,
    /// Evaluations of the cost.
    pub evaluations: usize,
    /// Descents.
    pub descents: usize,
    /// How many of them ended in the lowest minimum.
    pub alike: usize,
    /// Minima of different cost.
    pub minima: usize,
    /// The estimated probability that there is a lower one.
    pub doubt: f64,
    /// Whether that is small and the last round found nothing better.
    pub settled: bool,
}

/// Minima whose costs differ by less than this share of the range of costs are one.
const ALIKE: f64 = 1e-5;

/// A doubt below this is small.
const SMALL: f64 = 0.02;

/// The lowest point of a cost over the unit cube of so many dimensions; `sampled` are costs of the first points of Halton's sequence,
/// and after `budget` evaluations no round begins. `None` where the cost has no value at any of these.
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
    /// Sampled points with a value: the number in Halton's sequence, the cost.
    points: Vec<(usize, f64)>,
    /// Where the descents from chosen points ended.
    chosen: Vec<Ended>,
    /// Where the descents from anywhere ended.
    blind: Vec<Ended>,
    evaluations: usize,
    /// Numbers of the sampled points from which a descent began.
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

    /// The range of the sampled costs.
    fn range(&self) -> f64 {
        let (low, high) =
            self.points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), p| (a.min(p.1), b.max(p.1)));
        (high - low).max(f64::MIN_POSITIVE)
    }

    fn best(&self) -> f64 {
        let sampled = self.points.iter().map(|p| p.1);
        self.ended().map(|e| e.cost).chain(sampled).fold(f64::INFINITY, f64::min)
    }

    /// How many descents ended in the lowest minimum, how many minima there are, and the doubt.
    fn counts(&self) -> (usize, usize, f64) {
        let near = ALIKE * self.range();
        // The different costs, each with the number of its descents.
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

    /// Half of the edge of the cube in which a better neighbour is looked for.
    fn radius(&self) -> f64 {
        let (n, many) = (self.dimensions as i32, self.points.len() as f64);
        // As many points as touch one in a grid, or the critical number of single linkage, which is less in many dimensions.
        let neighbours = 3f64.powi(n).min(4.0 * many.ln().max(1.0));
        0.5 * (neighbours / many).powf(1.0 / f64::from(n))
    }

    /// Sampled points that have no better one near them, tried or not, nor a minimum, the best first.
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

    /// The descents of a round.
    fn descend(&mut self, descend: Descent, budget: usize) {
        /// Where the points at which descents begin anywhere begin in Halton's sequence.
        const ELSEWHERE: usize = 1 << 24;
        // At least so many of either kind, and more where there is more to choose from, as far as the budget goes.
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
        // Half of the distance between sampled points.
        let step = (0.5 * (self.points.len() as f64).powf(-1.0 / self.dimensions as f64)).min(0.1);
        let mut ended: Vec<Ended> = starts.par_iter().map(|start| descend(start, step, false)).collect();
        self.evaluations += ended.iter().map(|e| e.evaluations).sum::<usize>();
        self.blind.extend(ended.split_off(heads.len()));
        self.chosen.extend(ended);
    }

    /// The lowest of the best ends, each followed to the end of what numbers resolve.
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

    /// A pattern search, enough for smooth costs.
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
        // Forty oscillations; the lowest is lower than its neighbours by some 1e-3.
        let beats = |x: &[f64]| Some(-(80.0 * PI * x[0]).sin() - 0.4 * (3.0 * x[0] + 0.2).sin());
        let l = found(&beats, 1, 4000);
        let grid = (0..=1_000_000).map(|k| beats(&[f64::from(k) * 1e-6]).unwrap()).fold(f64::INFINITY, f64::min);
        assert!(l.cost <= grid + 1e-9, "{l:?} {grid}");
        assert!(l.minima > 20 && (l.settled || l.doubt > SMALL), "{l:?}");
        // Rastrigin's cost, 11 by 11 minima, the lowest not at a point of any grid.
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
