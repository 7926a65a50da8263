//! The orientations of the crystallites of a powder, as Euler angles and weights.
//!
//! Every interaction here is a tensor of second rank, which looks the same from opposite sides, so half of the sphere is enough.
//! The grids integrate it in different ways. `gauss` is exact for spherical harmonics up to twice its number of polar
//! angles, which a decay needs more of the longer it lasts. `zcw` spreads points of equal weight along a lattice (Zaremba,
//! Conroy and Cheng; Edén and Levitt, J. Magn. Reson. 132, 220), `spiral` along a spiral over the whole sphere, for any number of
//! them, `repulsion` by letting them push each other apart (Bak and Nielsen, J. Magn. Reson. 125, 132). `lebedev` is exact as `gauss` is, with two thirds of its points, for as many as there
//! are tables of.

use super::ensemble::gauss;
use super::lebedev;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Distribution;
use std::f64::consts::{PI, TAU};

/// The most points that push each other apart.
const MOST_REPELLED: usize = 2000;

/// Euler angles that turn the crystallite into the field, or into the rotor, with weights that add up to 1.
pub fn orientations(e: &Evaluator, d: &Distribution) -> Result<Vec<([f64; 3], f64)>, Fault> {
    let span = d.place.0.unwrap_or_default();
    let count = |name: &str| -> Result<Option<usize>, Fault> {
        d.settings.iter().find(|(n, _)| n == name).map(|(_, x)| e.count(x, 1)).transpose()
    };
    let Some(points) = d.points.as_ref().map(|p| e.count(p, 1)).transpose()? else {
        return Err(Diagnostic::new(Code::MissingDeclaration, span, "a powder needs the number of its orientations")
            .label("no `points`")
            .help(format!("for example `orientation : {} points 144`", d.shape))
            .into());
    };
    let sphere = match d.shape.as_str() {
        "gauss" => product(points, count("azimuths")?.unwrap_or(4 * points))?,
        "zcw" => lattice(points).ok_or_else(|| wrong_count(points, span))?,
        "spiral" => spiral(points),
        "lebedev" => symmetric(points).ok_or_else(|| no_table(points, span))?,
        _ => {
            if points > MOST_REPELLED {
                let message = format!("{points} points are too many to push each other apart: at most {MOST_REPELLED}");
                return Err(Diagnostic::new(Code::OutOfRange, span, message)
                    .help("`zcw` and `gauss` have as many as you like")
                    .into());
            }
            repelled(points)
        }
    };
    // The angle about the axis of the rotor matters only where there is one: it is the phase at which the sequence begins.
    let rotor = match (count("rotor")?, e.experiment.system.spinning.is_some()) {
        (Some(_), false) => {
            return Err(Diagnostic::new(
                Code::Contradiction,
                span,
                "`rotor` counts the phases of a rotor, and none turns",
            )
            .help("`spinning 10 kHz` in the system turns the sample about the magic angle")
            .into());
        }
        (given, true) => given.unwrap_or(16),
        (None, false) => 1,
    };
    let mut all = Vec::with_capacity(sphere.len() * rotor);
    for ((polar, azimuth), weight) in sphere {
        for k in 0..rotor {
            all.push(([TAU * k as f64 / rotor as f64, polar, azimuth], weight / rotor as f64));
        }
    }
    Ok(all)
}

/// Points of half of the sphere, as polar angle and azimuth, and their weights.
type Sphere = Vec<((f64, f64), f64)>;

/// A spiral over the whole sphere: even steps of the cosine of the polar angle, the azimuth going on by the golden section of a turn.
fn spiral(points: usize) -> Sphere {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let point = |j: usize| {
        let cosine = 1.0 - (2 * j + 1) as f64 / points as f64;
        ((cosine.acos(), TAU * (j as f64 * golden).fract()), 1.0 / points as f64)
    };
    (0..points).map(point).collect()
}

/// Half of Lebedev's grid.
fn symmetric(points: usize) -> Option<Sphere> {
    let angles =
        |([x, y, z], weight): ([f64; 3], f64)| ((z.clamp(-1.0, 1.0).acos(), y.atan2(x).rem_euclid(TAU)), weight);
    Some(lebedev::half(points)?.into_iter().map(angles).collect())
}

fn no_table(points: usize, span: crate::source::Span) -> Fault {
    let sizes: Vec<String> = lebedev::sizes().map(|n| n.to_string()).collect();
    Diagnostic::new(Code::OutOfRange, span, format!("there is no grid of Lebedev with {points} points"))
        .label("not one of them")
        .help(format!("there are those with {}", sizes.join(", ")))
        .into()
}

/// Gauss's quadrature of the cosine of the polar angle, even steps of the azimuth.
fn product(polar: usize, azimuths: usize) -> Result<Sphere, Fault> {
    let nodes = gauss(2 * polar, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt())?;
    let upper = nodes.into_iter().filter(|(x, _)| *x > 0.0);
    let mut all = Vec::with_capacity(polar * azimuths);
    for (cosine, weight) in upper {
        for k in 0..azimuths {
            let azimuth = TAU * k as f64 / azimuths as f64;
            all.push(((cosine.acos(), azimuth), 2.0 * weight / azimuths as f64));
        }
    }
    Ok(all)
}

/// The lattice of a Fibonacci number of points: `cos(polar) = (k + 1/2)/N`, `azimuth = 2 pi k F/N` with the Fibonacci number F
/// two before N.
fn lattice(points: usize) -> Option<Sphere> {
    let (mut before, mut last, mut number) = (1, 1, 2);
    while number < points {
        (before, last, number) = (last, number, last + number);
    }
    let n = points as f64;
    (number == points).then(|| {
        (0..points)
            .map(|k| {
                let azimuth = TAU * ((k * before) % points) as f64 / n;
                ((((k as f64 + 0.5) / n).acos(), azimuth), 1.0 / n)
            })
            .collect()
    })
}

fn wrong_count(points: usize, span: crate::source::Span) -> Fault {
    let (mut low, mut high) = (1, 2);
    while high < points {
        (low, high) = (high, low + high);
    }
    Diagnostic::new(Code::OutOfRange, span, format!("a lattice of {points} orientations does not exist"))
        .label("no Fibonacci number")
        .help(format!("the nearest have {low} and {high}"))
        .into()
}

/// Points that push each other and their opposites apart, from an even spiral on.
fn repelled(points: usize) -> Sphere {
    const ROUNDS: usize = 300;
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let mut all: Vec<[f64; 3]> = (0..points)
        .map(|k| {
            let z: f64 = (k as f64 + 0.5) / points as f64;
            let azimuth = TAU * (k as f64 * golden).fract();
            let r = (1.0 - z * z).sqrt();
            [r * azimuth.cos(), r * azimuth.sin(), z]
        })
        .collect();
    // The distance between neighbours, as the first step.
    let mut step = 0.1 * (TAU / points as f64).sqrt();
    for _ in 0..ROUNDS {
        let mut next = Vec::with_capacity(points);
        for (i, a) in all.iter().enumerate() {
            let mut force = [0.0; 3];
            for (j, b) in all.iter().enumerate() {
                for sign in [1.0, -1.0] {
                    if i == j {
                        continue;
                    }
                    let difference = [a[0] - sign * b[0], a[1] - sign * b[1], a[2] - sign * b[2]];
                    let r2: f64 = difference.iter().map(|x| x * x).sum();
                    let r3 = r2 * r2.sqrt();
                    (0..3).for_each(|k| force[k] += difference[k] / r3);
                }
            }
            let outward: f64 = (0..3).map(|k| force[k] * a[k]).sum();
            let tangent: Vec<f64> = (0..3).map(|k| force[k] - outward * a[k]).collect();
            let length = tangent.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-300);
            // Forces near balance move a point less than a full step.
            let move_by = step * (length / points as f64).min(1.0) / length;
            let moved: Vec<f64> = (0..3).map(|k| a[k] + move_by * tangent[k]).collect();
            let norm = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
            next.push([moved[0] / norm, moved[1] / norm, moved[2] / norm]);
        }
        all = next;
        step *= 0.99;
    }
    let weight = 1.0 / points as f64;
    all.into_iter().map(|[x, y, z]| ((z.clamp(-1.0, 1.0).acos(), y.atan2(x).rem_euclid(2.0 * PI)), weight)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of a function of direction over a grid.
    fn mean(grid: &Sphere, f: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let at = |polar: f64, azimuth: f64| f(polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos());
        grid.iter().map(|((p, a), w)| w * at(*p, *a)).sum()
    }

    #[test]
    fn grids_have_the_moments_of_the_sphere() {
        let gauss = product(6, 24).unwrap();
        let (zcw, pushed) = (lattice(987).unwrap(), repelled(144));
        for (grid, tolerance) in [(&gauss, 1e-14), (&zcw, 2e-3), (&pushed, 2e-3)] {
            assert!((mean(grid, |_, _, _| 1.0) - 1.0).abs() < 1e-12);
            assert!((mean(grid, |x, _, _| x * x) - 1.0 / 3.0).abs() < tolerance);
            assert!((mean(grid, |_, _, z| z.powi(4)) - 0.2).abs() < tolerance);
            assert!((mean(grid, |x, y, _| x * x * y * y) - 1.0 / 15.0).abs() < tolerance);
            assert!(mean(grid, |x, y, _| x * y).abs() < tolerance);
        }
        assert!(lattice(100).is_none());
    }
}
