//! Extrema of the curves of a batch over a recorded statement.

use super::adaptive_sampling::SampledCurve;
use super::trace::{Between, MOST_AT_ONCE, extremum_of, finest_of, grid, search_intervals};
use crate::ir::Aggregation;
use crate::lanes::{LANES, Lane};
use crate::metrics::{BohrBatch, CurveBatch, LevelsBatch, Phases};
use std::sync::OnceLock;

/// Times and phases at which curves are searched for extrema, if they are the same for all batches.
#[derive(Default)]
pub struct SharedGrid(OnceLock<(Vec<f64>, Phases)>);

/// The largest or smallest sample of each lane.
pub fn extreme_sample(curve: &[Lane], lowest: bool) -> Lane {
    pulp::Arch::new().dispatch(ExtremeSample { curve, lowest })
}

/// Kernel of [`extreme_sample`].
struct ExtremeSample<'a> {
    curve: &'a [Lane],
    lowest: bool,
}

impl pulp::NullaryFnOnce for ExtremeSample<'_> {
    type Output = Lane;

    #[inline(always)]
    fn call(self) -> Lane {
        let mut most = Lane::splat(if self.lowest { f64::INFINITY } else { f64::NEG_INFINITY });
        for x in self.curve {
            most = if self.lowest { most.min(*x) } else { most.max(*x) };
        }
        most
    }
}

/// Where the curves of a batch are searched.
pub struct Grid<'a> {
    /// Eigendecomposition and grid, if they are the same for all batches.
    pub shared: Option<(&'a LevelsBatch, &'a SharedGrid)>,
    /// Duration of the statement.
    pub duration: Lane,
    /// Upper bound of the largest difference of eigenvalues.
    pub spread: Lane,
    /// Number of recorded samples.
    pub points: usize,
}

impl Grid<'_> {
    /// An extremum of curves: sampled jointly where all lanes share a grid, refined lane by lane.
    pub fn extremum(
        &self,
        aggregation: Aggregation,
        curve: &CurveBatch,
        expansion: &BohrBatch,
        irregular: &mut [bool; LANES],
    ) -> [Option<f64>; LANES] {
        let lane = |x: &Lane, l: usize| x.0.get(l).copied().unwrap_or(f64::NAN);
        let mut values = [None; LANES];
        let mut samples = SampledCurve::default();
        let mut together: Option<Vec<Lane>> = None;
        for (l, (value, irregular)) in values.iter_mut().zip(irregular.iter_mut()).enumerate() {
            let (duration, widest) = (lane(&self.duration, l), lane(&self.spread, l));
            let intervals = search_intervals(duration, widest);
            let finest = finest_of(duration, widest, self.points);
            if *irregular || intervals > MOST_AT_ONCE {
                *irregular = true;
                continue;
            }
            let own = expansion.single(curve, l);
            match &self.shared {
                Some((levels, SharedGrid(kept))) => {
                    let lanes = together.get_or_insert_with(|| {
                        let (times, phases) = kept.get_or_init(|| {
                            (grid(duration, intervals + 1), Phases::shared(levels, duration, intervals + 1))
                        });
                        let mut lanes = Vec::new();
                        curve.packed().values(phases, intervals + 1, &mut lanes);
                        samples.times.clone_from(times);
                        lanes
                    });
                    samples.values.clear();
                    samples.values.extend(lanes.iter().map(|x| lane(x, l)));
                }
                None => {
                    samples.times = grid(duration, intervals + 1);
                    samples.values = own.values(&samples.times);
                }
            }
            if !samples.values.iter().all(|x| x.is_finite()) {
                *irregular = true;
                continue;
            }
            match extremum_of(aggregation, (duration, finest), (&samples, Between::Known(&own)), |t| {
                Ok(Some(own.at(t)))
            }) {
                Ok((found, true)) => *value = found,
                // A single run reports the cause.
                Ok((_, false)) | Err(_) => *irregular = true,
            }
        }
        values
    }
}
