//! Figs. 5 to 9 of the dipolar battery: charging, one parameter varied.

#![expect(
    clippy::indexing_slicing,
    reason = "runs, curves and panels are those of the points that are asked for in the same function"
)]

use super::super::claim::{Claim, digits, falls, list, rises};
use super::super::paper::Reproduced;
use super::super::workbench::{Point, Workbench, mark, summary, trace};
use super::correlations::largest_difference;
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::{Curve, Figure, Panel};
use std::f64::consts::{FRAC_PI_4, PI};

/// Which parameter a figure of charging varies, and how.
fn family(figure: u32) -> (&'static str, [f64; 5], Point) {
    let point = |epsilon: f64| -> Point {
        vec![("Delta", 1.0), ("epsilon", epsilon), ("D", 0.0), ("G", 0.0), ("B", 0.0), ("T", 1.0)]
    };
    match figure {
        5 => ("Delta", [1.0, 2.0, 4.0, 6.0, 12.0], point(0.5)),
        6 => ("B", [0.0, 0.5, 1.0, 1.5, 2.0], point(0.1)),
        7 => ("T", [0.5, 1.0, 1.5, 2.0, 4.0], point(0.1)),
        8 => ("G", [0.0, 0.1, 0.5, 1.0, 2.0], point(0.5)),
        _ => ("D", [0.0, 0.1, 0.5, 1.0, 2.0], point(0.5)),
    }
}

/// The same point with another value of one parameter.
pub fn with(point: &Point, name: &'static str, value: f64) -> Point {
    point.iter().map(|(n, v)| (*n, if *n == name { value } else { *v })).collect()
}

/// A and K of `xi = A (1 - cos 2 phi) + K sin^2 2 phi`.
fn closed_form(point: &Point) -> (f64, f64) {
    let get = |name: &str| point.iter().find(|(n, _)| *n == name).map_or(0.0, |(_, v)| *v);
    let (delta, eps, d, g, b, t) = (get("Delta"), get("epsilon"), get("D"), get("G"), get("B"), get("T"));
    let (k1, k2) = ((9.0 * d * d + delta * delta).sqrt(), (b * b + g * g + eps * eps).sqrt());
    let (s, j) = (2.0 * k1 / (3.0 * t), 2.0 * k2 / t);
    let e = (4.0 * delta / (3.0 * t)).exp();
    let z = e * s.cosh() + j.cosh();
    let over = |x: f64, k: f64| if k == 0.0 { 0.0 } else { x / k };
    let a = over(6.0 * d * d * e * s.sinh(), k1) + over(2.0 * (b * b + g * g) * j.sinh(), k2);
    let k = over(delta * e * s.sinh(), k1) + over(eps * j.sinh(), k2) + e * s.cosh() - j.cosh();
    (a / z, (delta + eps) * k / z)
}

/// The highest point of that curve.
fn highest((a, k): (f64, f64)) -> f64 {
    if 2.0 * k > a { (a + 2.0 * k).powi(2) / (4.0 * k) } else { 2.0 * a }
}

/// Eq. D1: <00|H|00> less the energy of the Gibbs state.
fn printed_capacity(point: &Point, run: &Run) -> f64 {
    let get = |name: &str| point.iter().find(|(n, _)| *n == name).map_or(0.0, |(_, v)| *v);
    let initial = trace(run, "energy").first().map_or(f64::NAN, |p| p.1);
    2.0 * get("B") + 2.0 * get("Delta") / 3.0 - initial
}

/// The runs of a figure of charging, and what they are judged by.
struct Charging {
    place: &'static str,
    /// The parameter that varies.
    name: &'static str,
    values: [f64; 5],
    points: Vec<Point>,
    runs: Vec<Run>,
    /// Largest ergotropies.
    ergotropy: Vec<f64>,
    /// The times Omega t of the largest ergotropies.
    times: Vec<f64>,
    /// Largest powers.
    power: Vec<f64>,
    /// Largest l1 coherences.
    coherence: Vec<f64>,
    capacity: Vec<f64>,
    /// The capacities by Eq. D1.
    printed: Vec<f64>,
}

impl Charging {
    fn of(bench: &Workbench, figure: u32) -> Result<Charging, Fault> {
        let (name, values, base) = family(figure);
        let points: Vec<Point> = values.iter().map(|v| with(&base, name, *v)).collect();
        let runs = bench.runs("dipolar_charging", &points)?;
        let of = |key: &str| runs.iter().map(|r| summary(r, key)).collect::<Vec<f64>>();
        Ok(Charging {
            place: ["Fig. 5", "Fig. 6", "Fig. 7", "Fig. 8", "Fig. 9"][figure as usize - 5],
            name,
            values,
            ergotropy: of("xi_max"),
            times: of("t_max"),
            power: of("P_max"),
            coherence: of("C_max"),
            capacity: runs.iter().map(|r| mark(r, "end", "capacity")).collect(),
            printed: points.iter().zip(&runs).map(|(p, r)| printed_capacity(p, r)).collect(),
            points,
            runs,
        })
    }

    fn panels(&self) -> Vec<Panel> {
        let label = |value: &f64| format!("{} = {value}", self.name);
        let curves = |key: &str| -> Vec<Curve> {
            self.values.iter().zip(&self.runs).map(|(v, r)| Curve::line(label(v), trace(r, key))).collect()
        };
        let flat = self.values.iter().zip(&self.printed);
        let flat = flat.map(|(v, q)| Curve::line(label(v), vec![(0.0, *q), (PI, *q)]));
        vec![
            Panel::curves("(a) ergotropy", "Omega t", "xi", curves("ergotropy")),
            Panel::curves("(b) power", "Omega t", "P", curves("power")),
            Panel::curves("(c) capacity", "Omega t", "Q", curves("capacity")),
            Panel::curves("(d) l1 coherence", "Omega t", "C", curves("l1_coherence")),
            Panel::curves("(c') Eq. D1 as printed", "Omega t", "Q", flat.collect()),
        ]
    }

    /// The claims on the peak of the ergotropy that all figures make.
    fn peak(&self) -> [Claim; 2] {
        let found = self.points.iter().zip(&self.ergotropy);
        let closed = found.map(|(p, x)| (highest(closed_form(p)) - x).abs()).fold(0.0, f64::max);
        let quarters = self.times.iter().all(|t| (t - FRAC_PI_4).abs() < 1e-6);
        [
            Claim::says(self.place, "all peak at Omega t = pi/4", quarters, format!("at {}", list(&self.times)))
                .instead("at arccos(-A/2K)/2, or pi/2 when 2K <= A: at pi/4 only for B = G = D = 0"),
            Claim::says(
                self.place,
                "(corrected closed form) peak of A(1 - cos 2 phi) + K sin^2 2 phi",
                closed < 1e-9,
                format!("differs by at most {}", digits(closed)),
            ),
        ]
    }

    /// Fig. 5: the effect of Delta.
    fn effect_of_delta(&self) -> Vec<Claim> {
        let share = |r: &Run, x: f64| -> Vec<(f64, f64)> {
            trace(r, "ergotropy").into_iter().map(|(t, w)| (t, w / x)).collect()
        };
        let first = share(&self.runs[0], self.ergotropy[0]);
        let narrower = self.runs[1..]
            .iter()
            .zip(&self.ergotropy[1..])
            .map(|(r, x)| largest_difference(&first, &share(r, *x)))
            .fold(0.0, f64::max);
        let incoherent: Vec<f64> =
            self.runs.iter().map(|r| at_quarter(r, "incoherent_ergotropy") / at_quarter(r, "ergotropy")).collect();
        vec![
            Claim::says(
                self.place,
                "Delta raises ergotropy, power and capacity",
                rises(&self.ergotropy) && rises(&self.power) && rises(&self.capacity),
                list(&self.ergotropy),
            ),
            Claim::says(
                self.place,
                "Delta narrows the peak of the ergotropy",
                narrower > 1e-9,
                format!("xi/xi_max differs by {}", digits(narrower)),
            )
            .instead("xi/xi_max = sin^2(2 Omega t) for every Delta"),
            Claim::says(
                self.place,
                "after the coherence saturates the gain is incoherent, before it is coherent",
                incoherent[0] < 0.999,
                format!("incoherent share at the peak: {}", list(&incoherent)),
            )
            .instead("at the peak it is all incoherent for every Delta"),
        ]
    }

    /// Fig. 6: the effect of B.
    fn effect_of_field(&self) -> Vec<Claim> {
        vec![
            self.raises("B raises the peak of the ergotropy", &self.ergotropy)
                .instead("it decreases from B = 0 to 0.5; the claim holds for charging along y"),
            self.raises("B raises the power", &self.power),
            Claim::says(
                self.place,
                "larger B takes longer to charge",
                self.times.windows(2).all(|w| w[1] >= w[0] - 1e-7),
                format!("peak at {}", list(&self.times)),
            ),
        ]
    }

    /// Fig. 7: the effect of the temperature.
    fn effect_of_temperature(&self) -> Vec<Claim> {
        let lowered = falls(&self.ergotropy) && falls(&self.power);
        vec![
            Claim::says(self.place, "temperature lowers the peaks", lowered, list(&self.ergotropy)),
            Claim::says(
                self.place,
                "low temperatures reach the peak later",
                falls(&self.times),
                format!("peak at {}", list(&self.times)),
            )
            .instead("at B = 0 the peak is at pi/4 for every T"),
        ]
    }

    /// Fig. 8: the effect of G.
    fn effect_of_g(&self) -> Vec<Claim> {
        vec![
            self.raises("G raises the peak of the ergotropy", &self.ergotropy).instead("it falls until G = 0.5"),
            self.raises("G raises the power", &self.power),
            self.raises("G raises the peak of the coherence", &self.coherence),
            self.raises("G raises the capacity", &self.capacity),
        ]
    }

    /// Fig. 9: the effect of D.
    fn effect_of_d(&self) -> Vec<Claim> {
        vec![
            self.raises("D raises the peak of the ergotropy", &self.ergotropy),
            self.raises("D raises the power", &self.power),
            self.raises("D raises the capacity", &self.capacity),
        ]
    }

    /// A claim that some values rise with the parameter.
    fn raises(&self, text: &str, values: &[f64]) -> Claim {
        Claim::says(self.place, text, rises(values), list(values))
    }

    /// Eq. D1: whether it is the capacity.
    fn equation_of_capacity(&self) -> Claim {
        let worst = self.capacity.iter().zip(&self.printed).map(|(q, d)| (q - d).abs()).fold(0.0, f64::max);
        Claim::says(
            self.place,
            "Eq. D1 is the capacity",
            worst < 1e-9,
            format!("D1 {}; capacity {}", list(&self.printed), list(&self.capacity)),
        )
        .instead("D1 is <00|H|00> - Tr[H zeta]; the capacity is sum e_k (r_k ascending - r_k descending)")
    }

    /// Eq. D2: whether it is the ergotropy of charging along x. At D = 0 it is the closed form for -epsilon.
    fn equation_of_ergotropy(&self) -> Claim {
        let flipped: Vec<f64> = self
            .points
            .iter()
            .map(|p| {
                let epsilon = p.iter().find(|(n, _)| *n == "epsilon").map_or(0.0, |(_, v)| *v);
                highest(closed_form(&with(p, "epsilon", -epsilon)))
            })
            .collect();
        let apart = flipped.iter().zip(&self.ergotropy).map(|(f, x)| (f - x).abs()).fold(0.0, f64::max);
        Claim::says(
            self.place,
            "Eq. D2 is the ergotropy of charging along x",
            apart < 1e-9,
            format!("its peaks {}, found {}", list(&flipped), list(&self.ergotropy)),
        )
        .instead("A, K above; D2 at D = 0 is charging along y, that is epsilon -> -epsilon")
    }
}

/// The recorded value nearest to Omega t = pi/4.
fn at_quarter(run: &Run, key: &str) -> f64 {
    trace(run, key)
        .iter()
        .min_by(|a, b| (a.0 - FRAC_PI_4).abs().total_cmp(&(b.0 - FRAC_PI_4).abs()))
        .map_or(f64::NAN, |p| p.1)
}

/// Figs. 5 to 9.
pub fn charging(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    let charging = Charging::of(bench, figure)?;
    let mut claims = Vec::from(charging.peak());
    claims.extend(match figure {
        5 => charging.effect_of_delta(),
        6 => charging.effect_of_field(),
        7 => charging.effect_of_temperature(),
        8 => charging.effect_of_g(),
        _ => charging.effect_of_d(),
    });
    claims.push(charging.equation_of_capacity());
    // Fig. 9 varies D, for which Eq. D2 is not compared.
    if figure != 9 {
        claims.push(charging.equation_of_ergotropy());
    }
    let (title, panels) = (format!("Charging of the dipolar pair, varying {}", charging.name), charging.panels());
    Ok(Reproduced { figure: Figure { name: format!("dipolar_fig{figure}"), title, columns: 3, panels }, claims })
}
