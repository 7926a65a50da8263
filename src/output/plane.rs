//! Two-dimensional spectra: decays that were acquired for evenly spaced values of a time.

use super::figure::Map;
use super::spectrum::{Decay, Processing, decays_of, transform};
use crate::linalg::C64;
use crate::results::ResultSet;

/// Cells of a map along each side, at the most.
const MOST_CELLS: usize = 160;

/// What is lower than this share of the highest peak is no reason to show a region.
const SEEN: f64 = 0.02;

/// The magnitudes of the spectrum of every nucleus over the frequencies during the swept time (upwards) and during acquisition (to the
/// right), Hz, around their peaks. `times` are those of the points, in seconds; nothing where they are too few or not evenly spaced.
pub fn planes(set: &ResultSet, times: &[f64]) -> Vec<(String, Map)> {
    const FEWEST: usize = 8;
    let [first, second, ..] = times else { return vec![] };
    let step = second - first;
    let mut neighbours = times.iter().zip(times.iter().skip(1));
    let even = step > 0.0 && neighbours.all(|(a, b)| (b - a - step).abs() < 1e-6 * step);
    if times.len() < FEWEST || !even || set.len() != times.len() {
        return vec![];
    }
    let number = set.at(0).map_or(0, |point| decays_of(point).count());
    (0..number).filter_map(|k| plane(set, step, k)).collect()
}

/// The plane of one of the decays of every point.
fn plane(set: &ResultSet, step: f64, k: usize) -> Option<(String, Map)> {
    let rows: Vec<Decay> = set.points().map(|point| decays_of(point).nth(k)).collect::<Option<_>>()?;
    let nucleus = rows.first()?.nucleus.to_string();
    let direct: Vec<Vec<(f64, C64)>> =
        rows.iter().map(|decay| transform(&decay.samples(), decay.dwell(), Processing::default())).collect();
    let columns = direct.first()?.len();
    let right: Vec<f64> = direct.first()?.iter().map(|(f, _)| *f).collect();
    let mut up = Vec::new();
    // By column: the spectrum over the swept time at one frequency of acquisition.
    let mut heights = Vec::with_capacity(columns);
    for column in 0..columns {
        let along: Vec<C64> =
            direct.iter().map(|row| row.get(column).map_or(crate::linalg::ZERO, |(_, z)| *z)).collect();
        let spectrum = transform(&along, step, Processing::default());
        if up.is_empty() {
            up = spectrum.iter().map(|(f, _)| *f).collect();
        }
        heights.push(spectrum.iter().map(|(_, z)| z.norm()).collect::<Vec<f64>>());
    }
    Some((nucleus, shown(&right, &up, &heights)))
}

/// The region around the peaks, in cells with the highest value of each. `heights` has a column for each frequency of `right`, and every
/// column a value for each of `up`.
#[expect(
    clippy::indexing_slicing,
    reason = "every column of `heights` has a value for each frequency of `up`, and bins are ranges of columns and of these that are not \
              empty"
)]
pub(super) fn shown(right: &[f64], up: &[f64], heights: &[Vec<f64>]) -> Map {
    let highest = heights.iter().flatten().copied().fold(0.0, f64::max);
    let high = |x: &f64| *x > SEEN * highest;
    let across = region(heights.iter().map(|column| column.iter().any(high)));
    let along = region((0..up.len()).map(|row| heights.iter().any(|column| high(&column[row]))));
    let (across, along) = (bins(across), bins(along));
    let peak = |rows: &std::ops::Range<usize>, columns: &std::ops::Range<usize>| {
        heights[columns.clone()].iter().flat_map(|c| &c[rows.clone()]).copied().fold(0.0, f64::max)
    };
    let middle = |axis: &[f64], bin: &std::ops::Range<usize>| (axis[bin.start] + axis[bin.end - 1]) / 2.0;
    Map {
        label: "magnitude".into(),
        x: across.iter().map(|b| middle(right, b)).collect(),
        y: along.iter().map(|b| middle(up, b)).collect(),
        values: along.iter().map(|rows| across.iter().map(|columns| peak(rows, columns)).collect()).collect(),
    }
}

/// From the first to the last that are seen, with a tenth on either side.
fn region(seen: impl Iterator<Item = bool>) -> std::ops::Range<usize> {
    let all: Vec<bool> = seen.collect();
    let (Some(first), Some(last)) = (all.iter().position(|s| *s), all.iter().rposition(|s| *s)) else {
        return 0..all.len();
    };
    let margin = (last - first) / 10 + 4;
    first.saturating_sub(margin)..(last + 1 + margin).min(all.len())
}

/// A region in at most [`MOST_CELLS`] bins of the same width.
fn bins(region: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    let width = region.len().div_ceil(MOST_CELLS).max(1);
    region
        .clone()
        .step_by(width)
        .map(|first| first..(first + width).min(region.end))
        .filter(|b| b.len() == width)
        .collect()
}
