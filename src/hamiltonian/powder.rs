//! Orientations of the crystallites of a powder, as Euler angles and weights.
//!
//! **Part of the sphere.** In a static sample only `n . T . n` of every tensor matters (see `orientation.rs`), with n the
//! field direction in the crystal frame: interactions are of second rank, to first or second order. This is invariant under n -> -n, and so
//! are all results, so a hemisphere suffices. Under MAS the field direction moves on a cone about the rotor axis. For a crystallite with
//! the opposite axis it moves in the opposite sense: the terms `sin wt` and `sin 2wt` change sign relative to the others. No rotation
//! compensates this unless the tensors share a mirror plane, so the grids then cover the whole sphere.
//!
//! **Grids.** `gauss` is exact for spherical harmonics of degree below four times its number of polar angles per hemisphere; longer
//! decays need higher degrees. `zcw` places points of equal weight on a lattice (Zaremba, Conroy and Cheng; Edén and Levitt, J. Magn.
//! Reson. 132, 220), `spiral` on a spiral, for any number of points, `repulsion` by mutual repulsion (Bak and Nielsen, J. Magn. Reson.
//! 125, 132). `lebedev` is exact like `gauss` with two thirds of its points, for the tabulated sizes. `octahedron` is the grid on which
//! programs for static powders interpolate.

use super::lebedev;
use super::points::written_points;
use super::quadrature::gauss;
use super::value::{Evaluator, Fault};
use crate::budget::{self, MEMBERS};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Distribution, Grid, Shape};
use crate::source::Span;
use std::f64::consts::{PI, TAU};

/// The most points that repel each other.
const MOST_REPELLED: usize = 700;

/// Euler angles that rotate each crystallite into the frame of the field or of the rotor, with weights that add up to 1.
///
/// # Errors
/// If the grid has no set of this number of points, or there are too many.
pub fn orientations(e: &Evaluator, d: &Distribution, grid: Grid) -> Result<Vec<([f64; 3], f64)>, Fault> {
    let span = d.place.span();
    let count = |name: &str| -> Result<Option<usize>, Fault> { d.setting(name).map(|x| e.count(x, 1)).transpose() };
    let Some(points) = written_points(e, d)? else {
        return Err(Diagnostic::new(Code::MissingDeclaration, span, "a powder needs the number of its orientations")
            .label("no `points`")
            .help(format!("for example `orientation : {} points 144`", d.shape))
            .into());
    };
    let part = if e.experiment.system.spinning.is_some() { Part::Whole } else { Part::Half };
    MEMBERS.check(points as u64, Some(span))?;
    let sphere = match grid {
        Grid::Gauss => {
            let azimuths = count("azimuths")?.unwrap_or(4 * points);
            MEMBERS.check(budget::product(points, azimuths), Some(span))?;
            product(points, azimuths, part, span)?
        }
        Grid::Zcw => lattice(points, part).ok_or_else(|| wrong_count(points, span))?,
        Grid::Spiral => spiral(points, Part::Whole),
        Grid::Lebedev => symmetric(points, part).ok_or_else(|| no_table(points, span))?,
        Grid::Octahedron => octahedron(points, part).ok_or_else(|| wrong_octahedron(points, span))?,
        Grid::Repulsion => {
            if points > MOST_REPELLED {
                let message = format!("{points} points are too many for a repulsion grid: at most {MOST_REPELLED}");
                return Err(Diagnostic::new(Code::OutOfRange, span, message)
                    .help("`zcw` and `gauss` support any size")
                    .into());
            }
            repelled(points, part)
        }
    };
    // The gamma angle matters only under MAS: it is the initial rotor phase.
    let rotor = match (count("rotor")?, e.experiment.system.spinning.is_some()) {
        (Some(_), false) => {
            return Err(Diagnostic::new(
                Code::Contradiction,
                span,
                "`rotor` is the number of gamma angles, but the sample does not spin",
            )
            .help("add `spinning 10 kHz` to the system for MAS")
            .into());
        }
        (given, true) => given.unwrap_or(16),
        (None, false) => 1,
    };
    MEMBERS.check(budget::product(sphere.len(), rotor), Some(span))?;
    let mut all = Vec::with_capacity(sphere.len() * rotor);
    for ((polar, azimuth), weight) in sphere {
        for k in 0..rotor {
            all.push(([TAU * k as f64 / rotor as f64, polar, azimuth], weight / rotor as f64));
        }
    }
    Ok(all)
}

/// The grid that has these polar angles, azimuths and weights in this order: its word, its points, and a setting. `None` where there is none.
pub fn grid_of(sphere: &[((f64, f64), f64)], spinning: bool) -> Option<(&'static str, usize, String)> {
    // Files of directions have twelve digits.
    const CLOSE: f64 = 1e-9;
    let part = if spinning { Part::Whole } else { Part::Half };
    let points = sphere.len();
    let same = |other: &Sphere| {
        other.len() == points
            && sphere.iter().zip(other).all(|(((p, a), w), ((q, b), v))| {
                let turns = (a - b) / TAU;
                let azimuth = (turns - turns.round()).abs() * TAU * q.sin();
                (p - q).abs() < CLOSE && azimuth < CLOSE && (w - v).abs() < CLOSE * v
            })
    };
    if lattice(points, part).is_some_and(|s| same(&s)) {
        return Some(("zcw", points, String::new()));
    }
    if same(&spiral(points, Part::Whole)) {
        return Some(("spiral", points, String::new()));
    }
    // Lebedev's grids are named by their points on the whole sphere.
    for named in [points, 2 * points] {
        if symmetric(named, part).is_some_and(|s| same(&s)) {
            return Some(("lebedev", named, String::new()));
        }
    }
    // Octahedra of side n have 4 n^2 + 2 points on the whole sphere.
    let most = ((points as f64 / 2.0).sqrt() as usize).saturating_add(1);
    for named in (1..=most).map(|side| 4 * side * side + 2).filter(|named| (points..=2 * points).contains(named)) {
        if octahedron(named, part).is_some_and(|s| same(&s)) {
            return Some(("octahedron", named, String::new()));
        }
    }
    let rings = sphere
        .first()
        .map_or(1, |((first, _), _)| sphere.iter().filter(|((p, _), _)| (p - first).abs() < CLOSE).count());
    let polar = points / rings.max(1) / if spinning { 2 } else { 1 };
    if polar > 0 && product(polar, rings, part, Span::default()).is_ok_and(|s| same(&s)) {
        return Some(("gauss", polar, format!("azimuths = {rings}")));
    }
    (points <= MOST_REPELLED / 4 && same(&repelled(points, part))).then(|| ("repulsion", points, String::new()))
}

/// The next smaller number of points of a distribution, by about a third; `None` if there is none.
pub fn coarser(shape: Shape, points: usize) -> Option<usize> {
    let aim = points * 2 / 3;
    match shape {
        Shape::Grid(Grid::Zcw) => {
            let (mut low, mut high) = (1, 2);
            while high < points {
                (low, high) = (high, low + high);
            }
            (low > 1).then_some(low)
        }
        Shape::Grid(Grid::Octahedron) => {
            // Edges divided into n parts give 4 n^2 + 2 points.
            let side = ((points.saturating_sub(2)) as f64 / 4.0).sqrt().round() as usize;
            let less = (side * 4).div_ceil(5).min(side.saturating_sub(1));
            (less > 0).then_some(4 * less * less + 2)
        }
        Shape::Grid(Grid::Lebedev) => lebedev::sizes().filter(|n| *n < points).min_by_key(|n| n.abs_diff(aim)),
        Shape::Grid(Grid::Gauss | Grid::Spiral | Grid::Repulsion) | Shape::Spread(_) => (aim > 0).then_some(aim),
    }
}

/// The part of the sphere that a grid covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The hemisphere z >= 0, for functions with inversion symmetry.
    Half,
    /// The whole sphere.
    Whole,
}

impl Part {
    /// Cosine of the polar angle that encloses a fraction, between 0 and 1, of the area, from the pole.
    fn cosine(self, share: f64) -> f64 {
        match self {
            Part::Half => 1.0 - share,
            Part::Whole => 1.0 - 2.0 * share,
        }
    }

    /// Its solid angle.
    fn area(self) -> f64 {
        match self {
            Part::Half => TAU,
            Part::Whole => 2.0 * TAU,
        }
    }
}

/// Points on the sphere (polar angle, azimuth) with their weights.
type Sphere = Vec<((f64, f64), f64)>;

/// A spiral: equidistant cosines of the polar angle; the azimuth advances by the golden ratio of a turn.
fn spiral(points: usize, part: Part) -> Sphere {
    let golden = (5f64.sqrt() - 1.0) / 2.0;
    let point = |j: usize| {
        let cosine = part.cosine((j as f64 + 0.5) / points as f64);
        ((cosine.acos(), TAU * (j as f64 * golden).fract()), 1.0 / points as f64)
    };
    (0..points).map(point).collect()
}

/// The Lebedev grid, or its hemisphere.
fn symmetric(points: usize, part: Part) -> Option<Sphere> {
    let angles =
        |([x, y, z], weight): ([f64; 3], f64)| ((z.clamp(-1.0, 1.0).acos(), y.atan2(x).rem_euclid(TAU)), weight);
    let grid = match part {
        Part::Half => lebedev::half(points)?,
        Part::Whole => lebedev::whole(points)?,
    };
    Some(grid.into_iter().map(angles).collect())
}

/// Equidistant points on the faces of an octahedron, `x + y + z = 1` in every octant, projected onto the sphere. The weights are the solid
/// angles of the surrounding triangles, proportional to `1/r^3` for the flat ones (D. W. Alderman, M. S. Solum, D. M. Grant,
/// J. Chem. Phys. 84, 3717 (1986)). The hemisphere has the points with z >= 0; those on its rim have half their weight.
fn octahedron(points: usize, part: Part) -> Option<Sphere> {
    let side = ((points.checked_sub(2)?) as f64 / 4.0).sqrt().round() as i64;
    if side < 1 || 4 * side * side + 2 != points as i64 {
        return None;
    }
    let lowest = if part == Part::Half { 0 } else { -side };
    let mut all = Vec::with_capacity(points);
    for k in lowest..=side {
        // The points at one height: |x| + |y| = side - |k|, around the full circle.
        let ring = side - k.abs();
        for m in 0..(4 * ring).max(1) {
            let (quarter, along) = if ring == 0 { (0, 0) } else { (m / ring, m % ring) };
            let (x, y) = match quarter {
                0 => (ring - along, along),
                1 => (-along, ring - along),
                2 => (along - ring, -along),
                _ => (along, along - ring),
            };
            let r = ((x * x + y * y + k * k) as f64).sqrt();
            // Vertices of the octahedron belong to four triangles, all other points to six.
            let corner = [x, y, k].iter().filter(|c| **c == 0).count() == 2;
            let triangles = if corner { 4.0 } else { 6.0 };
            let rim = if part == Part::Half && k == 0 { 0.5 } else { 1.0 };
            let angles = ((k as f64 / r).clamp(-1.0, 1.0).acos(), (y as f64).atan2(x as f64).rem_euclid(TAU));
            all.push((angles, rim * triangles / (r * r * r)));
        }
    }
    let sum: f64 = all.iter().map(|(_, weight)| weight).sum();
    all.iter_mut().for_each(|(_, weight)| *weight /= sum);
    Some(all)
}

fn wrong_octahedron(points: usize, span: crate::source::Span) -> Fault {
    let size = |n: usize| 4 * n * n + 2;
    let side = (((points.saturating_sub(2)) as f64 / 4.0).sqrt().floor() as usize).max(1);
    Diagnostic::new(Code::OutOfRange, span, format!("an octahedral grid cannot have {points} points"))
        .label("not 4 n^2 + 2")
        .help(format!("the nearest have {} and {}", size(side), size(side + 1)))
        .into()
}

fn no_table(points: usize, span: crate::source::Span) -> Fault {
    let sizes: Vec<String> = lebedev::sizes().map(|n| n.to_string()).collect();
    Diagnostic::new(Code::OutOfRange, span, format!("there is no Lebedev grid with {points} points"))
        .label("unsupported number of points")
        .help(format!("supported numbers of points are {}", sizes.join(", ")))
        .into()
}

/// Gauss's quadrature of the cosine of the polar angle, `polar` angles a hemisphere; even steps of the azimuth.
fn product(polar: usize, azimuths: usize, part: Part, place: Span) -> Result<Sphere, Fault> {
    let nodes = gauss(2 * polar, |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt(), place)?;
    let mut all = Vec::with_capacity(2 * polar * azimuths);
    for (cosine, weight) in nodes {
        let weight = match part {
            Part::Whole => weight,
            Part::Half if cosine > 0.0 => 2.0 * weight,
            Part::Half => continue,
        };
        for k in 0..azimuths {
            let azimuth = TAU * k as f64 / azimuths as f64;
            all.push(((cosine.clamp(-1.0, 1.0).acos(), azimuth), weight / azimuths as f64));
        }
    }
    Ok(all)
}

/// The lattice for a Fibonacci number N of points: equidistant cosines of the polar angle, `azimuth = 2 pi k F/N` with the
/// Fibonacci number F two before N.
fn lattice(points: usize, part: Part) -> Option<Sphere> {
    let (mut before, mut last, mut number) = (1, 1, 2);
    while number < points {
        (before, last, number) = (last, number, last + number);
    }
    let n = points as f64;
    let point = |k: usize| {
        let azimuth = TAU * ((k * before) % points) as f64 / n;
        ((part.cosine((k as f64 + 0.5) / n).acos(), azimuth), 1.0 / n)
    };
    (number == points).then(|| (0..points).map(point).collect())
}

fn wrong_count(points: usize, span: crate::source::Span) -> Fault {
    let (mut low, mut high) = (1, 2);
    while high < points {
        (low, high) = (high, low + high);
    }
    Diagnostic::new(Code::OutOfRange, span, format!("a ZCW grid of {points} orientations does not exist"))
        .label("not a Fibonacci number")
        .help(format!("the nearest have {low} and {high}"))
        .into()
}

/// Mutually repelling points, starting from a spiral; on the hemisphere they are also repelled by the antipodes of the others.
fn repelled(points: usize, part: Part) -> Sphere {
    const ROUNDS: usize = 300;
    let images: &[f64] = match part {
        Part::Half => &[1.0, -1.0],
        Part::Whole => &[1.0],
    };
    let start = |((polar, azimuth), _): ((f64, f64), f64)| {
        let (sine, cosine) = polar.sin_cos();
        [sine * azimuth.cos(), sine * azimuth.sin(), cosine]
    };
    let mut all: Vec<[f64; 3]> = spiral(points, part).into_iter().map(start).collect();
    // The first step is a tenth of the distance between neighbours.
    let mut step = 0.1 * (part.area() / points as f64).sqrt();
    for _ in 0..ROUNDS {
        let mut next = Vec::with_capacity(points);
        for (i, a) in all.iter().enumerate() {
            let mut force = [0.0; 3];
            for (j, b) in all.iter().enumerate() {
                for sign in images {
                    if i == j {
                        continue;
                    }
                    let difference = [a[0] - sign * b[0], a[1] - sign * b[1], a[2] - sign * b[2]];
                    let r2: f64 = difference.iter().map(|x| x * x).sum();
                    let r3 = r2 * r2.sqrt();
                    force.iter_mut().zip(difference).for_each(|(f, x)| *f += x / r3);
                }
            }
            let outward: f64 = force.iter().zip(a).map(|(f, x)| f * x).sum();
            let mut tangent = force;
            tangent.iter_mut().zip(a).for_each(|(f, x)| *f -= outward * x);
            let length = tangent.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-300);
            // Near equilibrium a point moves by less than a full step.
            let move_by = step * (length / points as f64).min(1.0) / length;
            let mut moved = *a;
            moved.iter_mut().zip(tangent).for_each(|(x, t)| *x += move_by * t);
            let norm = moved.iter().map(|x| x * x).sum::<f64>().sqrt();
            next.push(moved.map(|x| x / norm));
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

    /// Mean of a function of direction over a grid.
    fn mean(grid: &Sphere, f: impl Fn(f64, f64, f64) -> f64) -> f64 {
        let at = |polar: f64, azimuth: f64| f(polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos());
        grid.iter().map(|((p, a), w)| w * at(*p, *a)).sum()
    }

    #[test]
    fn coarser_grids_exist() {
        for points in lebedev::sizes() {
            assert!(
                coarser(Shape::Grid(Grid::Lebedev), points)
                    .is_none_or(|n| n < points && symmetric(n, Part::Half).is_some()),
                "{points}"
            );
        }
        let mut fibonacci = vec![2, 3];
        (0..20).for_each(|k| fibonacci.push(fibonacci[k] + fibonacci[k + 1]));
        for points in fibonacci {
            assert!(
                coarser(Shape::Grid(Grid::Zcw), points).is_none_or(|n| n < points && lattice(n, Part::Half).is_some()),
                "{points}"
            );
        }
        for side in 1..30 {
            let points = 4 * side * side + 2;
            let less = coarser(Shape::Grid(Grid::Octahedron), points);
            assert!(less.is_none_or(|n| n < points && octahedron(n, Part::Half).is_some()), "{points}");
            assert!(octahedron(points + 1, Part::Whole).is_none());
        }
        assert!((1..200).all(|points| coarser(Shape::Grid(Grid::Gauss), points).is_none_or(|n| n < points)));
    }

    /// Mean of `x^i y^j z^k` over the sphere: (i-1)!!(j-1)!!(k-1)!!/(i+j+k+1)!!, 0 if any exponent is odd.
    fn moment(powers: [i32; 3]) -> f64 {
        let double = |n: i32| (1..=n).rev().step_by(2).map(f64::from).product::<f64>();
        if powers.iter().any(|p| p % 2 == 1) {
            return 0.0;
        }
        powers.iter().map(|p| double(p - 1)).product::<f64>() / double(powers.iter().sum::<i32>() + 1)
    }

    /// All triples of exponents with this sum.
    fn exponents(sum: i32) -> Vec<[i32; 3]> {
        (0..=sum).flat_map(|i| (0..=sum - i).map(move |j| [i, j, sum - i - j])).collect()
    }

    /// Largest error of the moments of a degree.
    fn worst(grid: &Sphere, degree: i32) -> f64 {
        let error = |p: [i32; 3]| (mean(grid, |x, y, z| x.powi(p[0]) * y.powi(p[1]) * z.powi(p[2])) - moment(p)).abs();
        exponents(degree).into_iter().map(error).fold(0.0, f64::max)
    }

    #[test]
    fn grids_of_half_of_the_sphere_have_its_even_moments() {
        let (gauss, lebedev) =
            (product(6, 24, Part::Half, Span::default()).unwrap(), symmetric(194, Part::Half).unwrap());
        let (zcw, pushed) = (lattice(987, Part::Half).unwrap(), repelled(144, Part::Half));
        let octants = octahedron(4 * 16 * 16 + 2, Part::Half).unwrap();
        // The first two are exact up to degree 23; the others have points of nearly equal density, accurate to about 1/N.
        for (grid, tolerance) in [(&gauss, 1e-14), (&lebedev, 1e-14), (&zcw, 2e-3), (&pushed, 2e-3), (&octants, 2e-3)] {
            assert!((mean(grid, |_, _, _| 1.0) - 1.0).abs() < 1e-12);
            for degree in [2, 4] {
                assert!(worst(grid, degree) < tolerance, "degree {degree}: {}", worst(grid, degree));
            }
        }
        assert!(lattice(100, Part::Half).is_none());
    }

    #[test]
    fn grids_of_the_whole_sphere_have_its_odd_moments_too() {
        let (gauss, lebedev) =
            (product(6, 24, Part::Whole, Span::default()).unwrap(), symmetric(194, Part::Whole).unwrap());
        for degree in 0..=23 {
            // Rounding of sums of about 200 terms of size 1.
            assert!(worst(&gauss, degree) < 1e-14, "gauss, degree {degree}: {}", worst(&gauss, degree));
            assert!(worst(&lebedev, degree) < 2e-14, "lebedev, degree {degree}: {}", worst(&lebedev, degree));
        }
        assert!(worst(&gauss, 24) > 1e-9 && worst(&lebedev, 24) > 1e-9, "this test sees nothing");
        let octants = octahedron(4 * 16 * 16 + 2, Part::Whole).unwrap();
        assert_eq!(octants.len(), 1026);
        let grids = [lattice(987, Part::Whole).unwrap(), repelled(144, Part::Whole), spiral(987, Part::Whole), octants];
        for (k, grid) in grids.iter().enumerate() {
            assert!((mean(grid, |_, _, _| 1.0) - 1.0).abs() < 1e-12);
            for degree in 1..=5 {
                assert!(worst(grid, degree) < 4e-3, "grid {k}, degree {degree}: {}", worst(grid, degree));
            }
        }
        // The hemisphere does not have them: its mean of z is 1/2.
        assert!((mean(&lattice(987, Part::Half).unwrap(), |_, _, z| z) - 0.5).abs() < 1e-3);
    }
}
