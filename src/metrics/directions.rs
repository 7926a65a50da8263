//! The least value of an even function on the sphere: a grid on a hemisphere that contains the pole, then Newton steps from its lowest local
//! minima. All directions of the grid, and those around all minima, are evaluated together, so that a function may use SIMD lanes.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are grid points with one value each, and values are as many as directions"
)]

use crate::linalg::LinalgError;
use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::LazyLock;

/// Number of polar angles of the grid, from the pole to the equator.
const POLAR: usize = 9;

/// Number of azimuthal angles of the grid; must be even.
const AZIMUTHAL: usize = 16;

/// Number of local minima of the grid that are refined.
const FOLLOWED: usize = 3;

/// Minimum of an even function of the direction. `values` evaluates it at polar and azimuthal angles.
///
/// # Errors
/// Any error of `values`.
pub(super) fn smallest(
    mut values: impl FnMut(&[[f64; 2]], &mut [f64]) -> Result<(), LinalgError>,
) -> Result<f64, LinalgError> {
    /// Angles, row by row; every column of the first row is the pole.
    static GRID: LazyLock<Vec<[f64; 2]>> = LazyLock::new(|| {
        let angles = |k: usize| {
            let theta = FRAC_PI_2 * (k / AZIMUTHAL) as f64 / (POLAR - 1) as f64;
            [theta, 2.0 * PI * (k % AZIMUTHAL) as f64 / AZIMUTHAL as f64]
        };
        (0..POLAR * AZIMUTHAL).map(angles).collect()
    });
    let mut grid = vec![0.0; GRID.len()];
    // The pole once.
    values(&GRID[AZIMUTHAL - 1..], &mut grid[AZIMUTHAL - 1..])?;
    let pole = grid[AZIMUTHAL - 1];
    grid[..AZIMUTHAL].fill(pole);
    // The tolerance scales with the function: at 300 K the mutual information is below 1e-10 bit.
    let least = 1e-16 * grid.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let mut minima: Vec<usize> = (0..grid.len())
        .filter(|&k| (k == 0 || k >= AZIMUTHAL) && neighbours(k).all(|other| grid[k] <= grid[other]))
        .collect();
    minima.sort_by(|a, b| grid[*a].total_cmp(&grid[*b]));
    let starts = minima.iter().take(FOLLOWED).map(|k| (grid[*k], GRID[*k]));
    Ok(pole.min(descend(values, starts, least)?))
}

/// Number of polar angles of [`smallest_on_meridian`]: one lane.
const ALONG: usize = 16;

/// Minimum of a function of the direction, even and unchanged by the reflection at the equator, that has its least value of every polar
/// angle at the azimuth `phi`. The pole and the equator are stationary, and are minima if no direction close by is lower.
///
/// # Errors
/// Any error of `values`.
pub(super) fn smallest_on_meridian(
    phi: f64,
    mut values: impl FnMut(&[[f64; 2]], &mut [f64]) -> Result<(), LinalgError>,
) -> Result<f64, LinalgError> {
    /// Directions beside each end, at distances that are halved down to [`NEAR`].
    const BESIDE: usize = 7;
    let spacing = FRAC_PI_2 / (ALONG - 1) as f64;
    let grid: [[f64; 2]; ALONG] = std::array::from_fn(|k| [spacing * k as f64, phi]);
    let mut found = [0.0; ALONG];
    values(&grid, &mut found)?;
    let least = 1e-16 * found.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let is_minimum = |k: &usize| {
        let before = k.checked_sub(1).is_none_or(|before| found[*k] <= found[before]);
        before && found.get(k + 1).is_none_or(|after| found[*k] <= *after)
    };
    let mut best = found.iter().fold(f64::INFINITY, |best, x| best.min(*x));
    let mut brackets: Vec<[f64; 2]> =
        (1..ALONG - 1).filter(is_minimum).map(|k| [grid[k - 1][0], grid[k + 1][0]]).collect();
    let ends: Vec<usize> = [0, ALONG - 1].into_iter().filter(is_minimum).collect();
    if !ends.is_empty() {
        let place = |end: usize, distance: f64| if end == 0 { distance } else { FRAC_PI_2 - distance };
        let distance = |k: usize| spacing * 0.5f64.powi(k as i32);
        let beside: Vec<[f64; 2]> =
            ends.iter().flat_map(|end| (1..=BESIDE).map(|k| [place(*end, distance(k)), phi])).collect();
        let mut around = vec![0.0; beside.len()];
        values(&beside, &mut around)?;
        for (end, around) in ends.iter().zip(around.chunks(BESIDE)) {
            let places = (1..=BESIDE).zip(around.iter().copied());
            let (k, lowest) =
                places.fold((0, found[*end] - least), |best, next| if next.1 < best.1 { next } else { best });
            if k > 0 {
                best = best.min(lowest);
                let near = if k < BESIDE { distance(k + 1) } else { 0.0 };
                brackets.push([place(*end, near), place(*end, distance(k - 1))]);
            }
        }
    }
    for [a, b] in brackets {
        best = best.min(narrowed(phi, [a.min(b), a.max(b)], &mut values)?);
    }
    Ok(best)
}

/// The least value on a meridian between two polar angles with one minimum, by sections.
fn narrowed(
    phi: f64,
    [mut low, mut high]: [f64; 2],
    values: &mut impl FnMut(&[[f64; 2]], &mut [f64]) -> Result<(), LinalgError>,
) -> Result<f64, LinalgError> {
    let (mut best, mut found) = (f64::INFINITY, [0.0; ALONG]);
    // The value is flat: at a distance of SHORTEST from the minimum it differs by the square.
    while high - low > SHORTEST {
        let section = (high - low) / (ALONG + 1) as f64;
        let angles: [[f64; 2]; ALONG] = std::array::from_fn(|k| [low + section * (k + 1) as f64, phi]);
        values(&angles, &mut found)?;
        let (k, lowest) = found
            .iter()
            .enumerate()
            .fold((0, f64::INFINITY), |best, next| if *next.1 < best.1 { (next.0, *next.1) } else { best });
        best = best.min(lowest);
        (low, high) = (angles[k][0] - section, angles[k][0] + section);
    }
    Ok(best)
}

/// The lowest of the local minima that are reached from some values and their angles. Gains up to `least` count as rounding.
///
/// # Errors
/// Any error of `values`.
pub(super) fn descend(
    mut values: impl FnMut(&[[f64; 2]], &mut [f64]) -> Result<(), LinalgError>,
    starts: impl Iterator<Item = (f64, [f64; 2])>,
    least: f64,
) -> Result<f64, LinalgError> {
    let mut descents: Vec<Descent> = starts.map(|(value, angles)| Descent::new(value, angles)).collect();
    let (mut angles, mut found) = (Vec::with_capacity(5 * FOLLOWED), Vec::with_capacity(5 * FOLLOWED));
    loop {
        let active = || descents.iter().enumerate().filter(|(_, d)| d.step > SHORTEST).map(|(k, _)| k);
        let moving: Vec<usize> = active().collect();
        if moving.is_empty() {
            break;
        }
        let mut evaluate = |angles: &[[f64; 2]], found: &mut Vec<f64>| {
            found.clear();
            found.resize(angles.len(), 0.0);
            values(angles, found)
        };
        angles.clear();
        moving.iter().for_each(|k| angles.extend(AROUND.map(|(t, p)| descents[*k].moved(t, p))));
        evaluate(&angles, &mut found)?;
        let models: Vec<Model> = moving
            .iter()
            .zip(found.as_chunks::<5>().0)
            .map(|(k, around)| Model::new(descents[*k].value, *around))
            .collect();
        angles.clear();
        angles.extend(moving.iter().zip(&models).filter_map(|(k, m)| m.newton.map(|(t, p)| descents[*k].moved(t, p))));
        evaluate(&angles, &mut found)?;
        let mut newton = found.iter();
        for (k, model) in moving.iter().zip(models) {
            let value = model.newton.and_then(|_| newton.next().copied());
            descents[*k].advance(&model, value, least);
        }
    }
    Ok(descents.iter().fold(f64::INFINITY, |best, d| best.min(d.value)))
}

/// Neighbours of a grid point. Those of the pole are the whole next row; beyond the equator the antipodal point is used, where an even
/// function has the same value.
fn neighbours(k: usize) -> impl Iterator<Item = usize> {
    let (row, column) = (k / AZIMUTHAL, k % AZIMUTHAL);
    let place = |row: usize, column: usize| row * AZIMUTHAL + column % AZIMUTHAL;
    let pole = (0..if row == 0 { AZIMUTHAL } else { 0 }).map(move |c| place(1, c));
    let beyond = if row + 1 < POLAR { place(row + 1, column) } else { place(row - 1, column + AZIMUTHAL / 2) };
    let before = row.saturating_sub(1);
    let around = [place(row, column + 1), place(row, column + AZIMUTHAL - 1), place(before, column), beyond];
    pole.chain(around.into_iter().take(if row == 0 { 0 } else { 4 }))
}

/// Steps shorter than this are not taken, rad.
const SHORTEST: f64 = 1e-8;

/// With differences over steps shorter than this, the minimum of the quadratic model is exact to rounding of the values: its distance from
/// the true one is of the order of the square of the step.
const NEAR: f64 = 1e-3;

/// The directions around a point at which a function is evaluated, in steps of theta and phi: east, west, south, north and south-east.
const AROUND: [(f64, f64); 5] = [(0.0, 1.0), (0.0, -1.0), (1.0, 0.0), (-1.0, 0.0), (1.0, 1.0)];

/// A search for a local minimum: Newton steps with finite-difference derivatives in the tangent plane, accepted only if the value
/// decreases; if the Hessian is not positive definite or a step fails, tries the four neighbours with decreasing step size.
struct Descent {
    value: f64,
    theta: f64,
    phi: f64,
    step: f64,
    /// Near the pole, steps in phi are scaled so that both directions have equal length on the sphere.
    stretch: f64,
}

/// The quadratic model of a function around a point, in steps.
struct Model {
    /// The lowest of the neighbours: its value and where it is.
    lowest: (f64, f64, f64),
    /// The minimum of the model, if there is one.
    newton: Option<(f64, f64)>,
}

impl Model {
    fn new(value: f64, [e, w, s, n, both]: [f64; 5]) -> Model {
        let (slope_t, slope_p) = (0.5 * (s - n), 0.5 * (e - w));
        let (curve_t, curve_p) = (s + n - 2.0 * value, e + w - 2.0 * value);
        let mixed = both - s - e + value;
        let determinant = curve_t * curve_p - mixed * mixed;
        // The first of equal neighbours.
        let neighbours = [(w, 0.0, -1.0), (s, 1.0, 0.0), (n, -1.0, 0.0)];
        let lowest = neighbours.into_iter().fold((e, 0.0, 1.0), |best, next| if next.0 < best.0 { next } else { best });
        let newton = (curve_t > 0.0 && determinant > 0.0).then(|| {
            let dt = (mixed * slope_p - curve_p * slope_t) / determinant;
            let dp = (mixed * slope_t - curve_t * slope_p) / determinant;
            // The quadratic model is not trusted beyond two steps.
            let shorter = (2.0 / dt.hypot(dp)).min(1.0);
            (dt * shorter, dp * shorter)
        });
        Model { lowest, newton }
    }
}

impl Descent {
    fn new(value: f64, [theta, phi]: [f64; 2]) -> Descent {
        let mut descent = Descent { value, theta, phi, step: 0.1, stretch: 1.0 };
        descent.put([theta, phi]);
        descent
    }

    fn put(&mut self, [theta, phi]: [f64; 2]) {
        (self.theta, self.phi) = (theta, phi);
        self.stretch = 1.0 / theta.sin().abs().max(1e-3);
    }

    /// The angles at some steps from the point.
    fn moved(&self, t: f64, p: f64) -> [f64; 2] {
        [self.theta + t * self.step, self.phi + p * self.step * self.stretch]
    }

    /// Moves to the lowest point found; `newton` is the value at the minimum of the model.
    fn advance(&mut self, model: &Model, newton: Option<f64>, least: f64) {
        let mut lowest = model.lowest;
        if let (Some(value), Some((t, p))) = (newton, model.newton)
            && value < lowest.0
        {
            lowest = (value, t, p);
        }
        let by_model = newton.is_some_and(|value| value <= lowest.0);
        let (lowest, along_t, along_p) = lowest;
        if lowest < self.value {
            let gain = self.value - lowest;
            self.put(self.moved(along_t, along_p));
            self.value = lowest;
            if gain > least {
                // The distance left after a Newton step is of the order of its square.
                if by_model {
                    self.step *= along_t.hypot(along_p).clamp(0.05, 1.0);
                }
                return;
            }
        }
        // If differences at this step size give no progress, smaller ones may.
        self.step *= if self.step < NEAR && model.newton.is_some() { 0.0 } else { 0.2 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `-n.A n` of a symmetric A has the minimum minus its largest eigenvalue, wherever its axis is.
    #[test]
    fn the_axis_of_a_quadratic_form_is_found() {
        for k in 0..40 {
            let (theta, phi) = (0.08 * f64::from(k), 0.7 * f64::from(k * k));
            let axis = [theta.sin() * phi.cos(), theta.sin() * phi.sin(), theta.cos()];
            let form = |[t, p]: [f64; 2]| {
                let along = t.sin() * p.cos() * axis[0] + t.sin() * p.sin() * axis[1] + t.cos() * axis[2];
                -3.0 * along * along - 0.1 * t.cos().powi(2) * (1.0 - along * along)
            };
            let found = smallest(|angles, out| {
                out.iter_mut().zip(angles).for_each(|(out, angles)| *out = form(*angles));
                Ok(())
            });
            // The second term vanishes with its gradient on the axis.
            assert!((found.unwrap() + 3.0).abs() < 1e-14);
        }
    }

    /// `a c^2 + b c^4` with `c = cos theta` on the meridian, which has its minimum at the equator, at the pole, or at `c^2 = -a/2b`, also
    /// where this is closer to an end than the grid.
    #[test]
    fn minima_on_a_meridian_are_found() {
        for k in -40..=80 {
            let square = f64::from(k) / 40.0;
            for square in [square, 1e-4 * square, 1.0 - 1e-4 * square] {
                for sign in [1.0, -1.0] {
                    let phi = 0.3;
                    let at = |c: f64, p: f64| {
                        sign * (c * c - square).powi(2) + 0.1 * (1.0 - c * c) * (p - phi).sin().powi(2)
                    };
                    let found = smallest_on_meridian(phi, |angles, out| {
                        out.iter_mut().zip(angles).for_each(|(out, [t, p])| *out = at(t.cos(), *p));
                        Ok(())
                    });
                    let ends = at(0.0, phi).min(at(1.0, phi));
                    let right = if sign > 0.0 && (0.0..=1.0).contains(&square) { 0.0 } else { ends };
                    // A minimum at 1e-3 from an end is lower than the end by 1e-12.
                    let found = found.unwrap();
                    assert!((found - right).abs() < 2e-12, "{square} {sign}: {found} {right}");
                }
            }
        }
    }

    #[test]
    fn points_beyond_the_pole_and_the_equator_are_neighbours() {
        assert_eq!(neighbours(0).collect::<Vec<_>>(), (AZIMUTHAL..2 * AZIMUTHAL).collect::<Vec<_>>());
        let last = POLAR * AZIMUTHAL - 1;
        let opposite = (POLAR - 2) * AZIMUTHAL + AZIMUTHAL / 2 - 1;
        assert!(neighbours(last).collect::<Vec<_>>().contains(&opposite));
    }
}
