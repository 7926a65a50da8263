//! Points of a sweep as columns: for each parameter that they give, its value at every point.

use super::points::SweepAxis;
use crate::hamiltonian::Values;
use crate::lanes::Lane;
use std::ops::Range;

/// Points that give the same parameters, column by column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PointColumns {
    /// Names, sorted.
    names: Vec<String>,
    /// Their values, each list with one number per point.
    values: Vec<Vec<f64>>,
    points: usize,
}

impl PointColumns {
    /// Points from the values of their parameters; lists of different lengths are cut to the shortest one.
    pub fn new(columns: impl IntoIterator<Item = (String, Vec<f64>)>) -> PointColumns {
        let mut columns: Vec<(String, Vec<f64>)> = columns.into_iter().collect();
        columns.sort_by(|a, b| a.0.cmp(&b.0));
        let points = columns.iter().map(|(_, values)| values.len()).min().unwrap_or(0);
        let (names, values) = columns.into_iter().unzip();
        PointColumns { names, values, points }
    }

    /// Points that are given one by one; all of them have the parameters of the first.
    pub fn of(points: &[Values]) -> PointColumns {
        let names: Vec<String> = points.first().map_or(vec![], |first| first.keys().cloned().collect());
        let column = |name| points.iter().map(|p| p.get(name).copied().unwrap_or(f64::NAN)).collect();
        PointColumns { values: names.iter().map(column).collect(), names, points: points.len() }
    }

    /// Neighbouring points of a sweep, in row-major order of the axes; the other parameters are as given.
    pub fn of_sweep(axes: &[SweepAxis], given: &Values, range: Range<usize>) -> PointColumns {
        let mut columns: Vec<(String, Vec<f64>)> = Vec::new();
        let mut stride = 1;
        for axis in axes.iter().rev() {
            let length = axis.len().max(1);
            for (name, values) in axis.names.iter().zip(&axis.values) {
                let at = |k: usize| values.get(k / stride % length).copied().unwrap_or(f64::NAN);
                columns.push((name.clone(), range.clone().map(at).collect()));
            }
            stride *= length;
        }
        let fixed = given.iter().filter(|(name, _)| !axes.iter().any(|axis| axis.names.contains(name)));
        columns.extend(fixed.map(|(name, x)| (name.clone(), vec![*x; range.len()])));
        let points = range.len();
        PointColumns { points, ..PointColumns::new(columns) }
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.points
    }

    /// True if there are no points.
    pub fn is_empty(&self) -> bool {
        self.points == 0
    }

    /// Names of the parameters, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A point by itself.
    pub fn point(&self, index: usize) -> Values {
        let value = |(name, values): (&String, &Vec<f64>)| Some((name.clone(), *values.get(index)?));
        self.names.iter().zip(&self.values).filter_map(value).collect()
    }

    /// The values of a parameter at some points, one per lane; lanes beyond the last point repeat the first.
    pub(super) fn lane(&self, name: usize, points: Range<usize>) -> Lane {
        let values = self.values.get(name).and_then(|v| v.get(points)).unwrap_or_default();
        let first = values.first().copied().unwrap_or(f64::NAN);
        Lane(std::array::from_fn(|l| values.get(l).copied().unwrap_or(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::points::point;

    #[test]
    fn columns_of_a_sweep_have_its_points() {
        let axis = |names: &[&str], values: &[&[f64]]| SweepAxis {
            names: names.iter().map(|n| (*n).to_string()).collect(),
            values: values.iter().map(|v| v.to_vec()).collect(),
        };
        let axes = [axis(&["b"], &[&[1.0, 2.0]]), axis(&["c", "a"], &[&[3.0, 4.0, 5.0], &[6.0, 7.0, 8.0]])];
        let given = Values::from([("d".to_string(), 9.0)]);
        let all = PointColumns::of_sweep(&axes, &given, 1..6);
        assert_eq!((all.len(), all.names()), (5, ["a", "b", "c", "d"].map(String::from).as_slice()));
        for k in 0..5 {
            assert_eq!(all.point(k), point(&axes, &given, k + 1));
        }
        assert_eq!(all, PointColumns::of(&(1..6).map(|k| point(&axes, &given, k)).collect::<Vec<_>>()));
        let lane = all.lane(2, 3..5);
        assert_eq!((lane.0[0], lane.0[1], lane.0[2]), (4.0, 5.0, 4.0));
    }
}
