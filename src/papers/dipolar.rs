//! The magnetic dipolar battery: two spins, their correlations under noise and in equilibrium, and their charging.

#![expect(
    clippy::indexing_slicing,
    reason = "runs, curves and panels are those of the points that are asked for in the same function"
)]

use super::claim::{Claim, digits, falls, list, rises};
use super::paper::{Paper, Reproduced};
use super::workbench::{Point, Workbench, grid, mark, summary, trace};
use crate::emulator::Run;
use crate::hamiltonian::Fault;
use crate::linalg::C64;
use crate::output::{Content, Curve, Figure, Map, Panel};
use std::f64::consts::{FRAC_PI_4, PI};

pub const PAPER: Paper = Paper {
    name: "dipolar",
    title: "Magnetic Dipolar Quantum Battery with Spin-Orbit Coupling",
    source: "Ali, Elghaayda, Al-Kuwari, Hussain, Rahim, Byrnes et al., 2024",
    figures: &[3, 4, 5, 6, 7, 8, 9, 10],
    remarks: &[
        "Fig. 3 begins in |00>: of the simple states only |00> and |11> make its statements about D and Delta true.",
        "T = 1 in Figs. 5, 6, 8 and 9, B = 0 in Fig. 7, epsilon = 0.5 in Fig. 4 (m-o): the paper does not say.",
        "Q is drawn as the capacity on the unitary orbit, and beside it as Eq. D1 of the paper, which is another number.",
        "The axes of Fig. 10, and what is fixed in its last column, are chosen here.",
    ],
    reproduce,
    equations,
};

fn reproduce(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    match figure {
        3 => correlations_in_time(bench),
        4 => correlations_in_equilibrium(bench),
        10 => maps(bench),
        _ => charging(bench, figure),
    }
}

/// Five rows of panels: in each one parameter takes three values.
const ROWS: [&str; 5] = ["epsilon", "B", "D", "G", "Delta"];
const VALUES: [f64; 3] = [0.1, 1.0, 10.0];
const CORRELATIONS: [(&str, &str); 3] =
    [("concurrence(a,b)", "concurrence"), ("discord(a,b)", "discord"), ("l1_coherence", "l1 coherence")];

fn letter(k: usize) -> char {
    char::from(b'a' + k as u8)
}

/// The parameters of panel `k` of Figs. 3 and 4.
fn panel_point(k: usize, equilibrium: bool) -> Point {
    let (row, value) = (ROWS[k / 3], VALUES[k % 3]);
    let field = match (equilibrium, row) {
        (true, "D" | "Delta") => 0.01,
        (true, "G") => 0.1,
        _ => 0.0,
    };
    let mut point: Point = vec![("Delta", 1.0), ("epsilon", 0.5), ("D", 0.0), ("G", 0.0), ("B", field)];
    if row == "epsilon" {
        point = vec![("Delta", 0.0), ("epsilon", 0.0), ("D", 0.0), ("G", 0.0), ("B", 0.0)];
    }
    point.iter_mut().filter(|(name, _)| *name == row).for_each(|(_, v)| *v = value);
    point
}

fn panel_title(k: usize) -> String {
    format!("({}) {} = {}", letter(k), ROWS[k / 3], VALUES[k % 3])
}

fn largest_difference(a: &[(f64, f64)], b: &[(f64, f64)]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x.1 - y.1).abs()).fold(0.0, f64::max)
}

fn correlations_in_time(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 3";
    let points: Vec<Point> = (0..15).map(|k| panel_point(k, false)).collect();
    let runs = bench.runs("dipolar_dephasing", &points)?;
    let curve = |k: usize, c: usize| trace(&runs[k], CORRELATIONS[c].0);
    let panels = (0..15)
        .map(|k| {
            let curves = (0..3).map(|c| Curve::line(CORRELATIONS[c].1, curve(k, c))).collect();
            Panel::curves(panel_title(k), "t", "correlation", curves)
        })
        .collect();
    let peaks = |row: usize, key: &str| (0..3).map(|v| summary(&runs[3 * row + v], key)).collect::<Vec<f64>>();
    let all = |row: usize, f: fn(&[f64]) -> bool| ["E_max", "D_max", "C_max"].iter().all(|k| f(&peaks(row, k)));
    let shown = |row: usize| {
        ["E_max", "D_max", "C_max"]
            .map(|k| format!("{} {}", k.trim_end_matches("_max"), list(&peaks(row, k))))
            .join("; ")
    };
    // The last time at which a correlation is above 0.01.
    let lives = |k: usize, c: usize| curve(k, c).iter().rev().find(|p| p.1 > 0.01).map_or(0.0, |p| p.0);
    let ordered = (0..15).filter(|&k| lives(k, 2) >= lives(k, 1) && lives(k, 1) >= lives(k, 0)).count();
    let above = (0..15)
        .map(|k| curve(k, 0).iter().zip(curve(k, 1)).map(|(e, d)| e.1 - d.1).fold(0.0, f64::max))
        .fold(0.0, f64::max);
    let change = |row: usize| {
        (0..3)
            .flat_map(|c| [(1, c), (2, c)])
            .map(|(v, c)| largest_difference(&curve(3 * row, c), &curve(3 * row + v, c)))
            .fold(0.0, f64::max)
    };
    let at =
        |d: f64, delta: f64| -> Point { vec![("Delta", delta), ("epsilon", 0.5), ("D", d), ("G", 0.0), ("B", 1.0)] };
    let others = bench.runs("dipolar_dephasing", &[at(0.0, 1.0), at(1.0, 1.0), at(1.0, 10.0)])?;
    let moved = |a: usize, b: usize| {
        let c = CORRELATIONS[2].0;
        largest_difference(&trace(&others[a], c), &trace(&others[b], c))
    };
    let claims = vec![
        Claim::says(
            place,
            "coherence outlives discord, discord outlives concurrence",
            ordered == 15,
            format!("in {ordered} of 15 panels"),
        )
        .instead("in panel f concurrence outlives discord"),
        Claim::says(
            place,
            "discord is above concurrence at all times",
            above < 1e-9,
            format!("concurrence is above by up to {}", digits(above)),
        ),
        Claim::says(place, "epsilon raises all peaks", all(0, rises), shown(0)),
        Claim::says(place, "B lowers all peaks", all(1, falls), shown(1)),
        Claim::says(place, "G raises all peaks", all(3, rises), shown(3)),
        Claim::says(place, "D has no effect", change(2) < 1e-8, format!("largest change {}", digits(change(2)))),
        Claim::says(
            place,
            "D has no effect, whatever B is",
            moved(0, 1) < 1e-8,
            format!("B = 1, D from 0 to 1: coherence changes by {}", digits(moved(0, 1))),
        )
        .instead("true for B = G = 0 only, where rho_14 stays imaginary"),
        Claim::says(place, "Delta has no effect", change(4) < 1e-8, format!("largest change {}", digits(change(4)))),
        Claim::says(
            place,
            "Delta has no effect, whatever B and D are",
            moved(1, 2) < 1e-8,
            format!("B = D = 1, Delta from 1 to 10: {}", digits(moved(1, 2))),
        )
        .instead("true for D = 0, or for B = G = 0"),
        Claim::says(
            place,
            "panel a shows entanglement",
            summary(&runs[0], "E_max") > 1e-9,
            format!("largest concurrence {}", digits(summary(&runs[0], "E_max"))),
        )
        .instead(
            "concurrence is max(0, exp(-2 gamma t)(|sin 4 epsilon t| - sinh 2 gamma t)): zero for epsilon <= gamma/2",
        ),
    ];
    let title = "Correlations of the dipolar pair under Pauli-X dephasing".to_string();
    Ok(Reproduced { figure: Figure { name: "dipolar_fig3".into(), title, columns: 3, panels }, claims })
}

/// The temperature above which the Gibbs state is not entangled: the highest sign change of the concurrence, by halving.
fn cutoff(bench: &Workbench, point: &Point) -> Result<f64, Fault> {
    let entangled = |temperatures: &[f64]| -> Result<Vec<bool>, Fault> {
        let points: Vec<Point> =
            temperatures.iter().map(|t| point.iter().copied().chain([("T", *t)]).collect()).collect();
        let runs = bench.runs_of("dipolar_gibbs", &points, &|k| k == "concurrence(a,b)")?;
        Ok(runs.iter().map(|r| mark(r, "end", "concurrence(a,b)") > 1e-13).collect())
    };
    let coarse: Vec<f64> = (0..40).map(|k| 0.05 * 1.2f64.powi(k)).collect();
    let found = entangled(&coarse)?;
    let Some(last) = found.iter().rposition(|e| *e) else { return Ok(0.0) };
    let (mut low, mut high) = (coarse[last], coarse.get(last + 1).copied().unwrap_or(coarse[last]));
    for _ in 0..8 {
        let fine = grid(low, high, 17);
        let inside = entangled(&fine)?;
        let k = inside.iter().rposition(|e| *e).unwrap_or(0);
        (low, high) = (fine[k], fine[(k + 1).min(16)]);
    }
    Ok(0.5 * (low + high))
}

fn correlations_in_equilibrium(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 4";
    let temperatures: Vec<f64> = (0..72).map(|k| 0.02 * 1.1f64.powi(k)).collect();
    let points: Vec<Point> = (0..15)
        .flat_map(|k| temperatures.iter().map(move |t| panel_point(k, true).into_iter().chain([("T", *t)]).collect()))
        .collect();
    let runs = bench.runs("dipolar_gibbs", &points)?;
    let n = temperatures.len();
    let curve = |k: usize, c: usize| -> Vec<(f64, f64)> {
        let part = &runs[k * n..(k + 1) * n];
        temperatures.iter().zip(part).map(|(t, r)| (*t, mark(r, "end", CORRELATIONS[c].0))).collect()
    };
    let panels = (0..15)
        .map(|k| {
            let curves = (0..3).map(|c| Curve::line(CORRELATIONS[c].1, curve(k, c))).collect();
            Panel::curves(panel_title(k), "T", "correlation", curves)
        })
        .collect();
    let cutoffs: Vec<f64> = (0..15).map(|k| cutoff(bench, &panel_point(k, true))).collect::<Result<Vec<_>, Fault>>()?;
    let row = |r: usize| &cutoffs[3 * r..3 * r + 3];
    let cold = |r: usize| (0..3).map(|v| curve(3 * r + v, 0)[0].1).collect::<Vec<f64>>();
    let expected: Vec<f64> = VALUES.iter().map(|e| 2.0 * e / (1.0 + 2f64.sqrt()).ln()).collect();
    let agree = row(0).iter().zip(&expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-6);
    let claims = vec![
        Claim::says(
            place,
            "epsilon makes entanglement survive higher temperatures",
            rises(row(0)),
            format!("up to T = {}", list(row(0))),
        ),
        Claim::says(
            place,
            "(closed form found here) with epsilon alone it ends at T = 2 epsilon/ln(1 + sqrt 2)",
            agree,
            format!("expected {}", list(&expected)),
        ),
        Claim::says(place, "B lowers the peaks", falls(&cold(1)), format!("cold: {}", list(&cold(1)))),
        Claim::says(place, "B raises the temperature at which entanglement ends", rises(row(1)), list(row(1)))
            .instead("from B = 0.1 to 1 it falls"),
        Claim::says(place, "D raises that temperature", rises(row(2)), list(row(2))),
        Claim::says(place, "D raises the peaks", rises(&cold(2)), format!("cold: {}", list(&cold(2))))
            .instead("they are 1 for every D: there is nothing to raise"),
        Claim::says(place, "G makes entanglement more robust", rises(row(3)), list(row(3)))
            .instead("from G = 0.1 to 1 it ends earlier"),
        Claim::says(place, "Delta raises that temperature", rises(row(4)), list(row(4))),
    ];
    let title = "Correlations of the dipolar pair in thermal equilibrium".to_string();
    Ok(Reproduced { figure: Figure { name: "dipolar_fig4".into(), title, columns: 3, panels }, claims })
}

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

fn with(point: &Point, name: &'static str, value: f64) -> Point {
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

fn charging(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    let place = ["Fig. 5", "Fig. 6", "Fig. 7", "Fig. 8", "Fig. 9"][figure as usize - 5];
    let (name, values, base) = family(figure);
    let points: Vec<Point> = values.iter().map(|v| with(&base, name, *v)).collect();
    let runs = bench.runs("dipolar_charging", &points)?;
    let curves = |key: &str| -> Vec<Curve> {
        values.iter().zip(&runs).map(|(v, r)| Curve::line(format!("{name} = {v}"), trace(r, key))).collect()
    };
    let printed: Vec<f64> = points.iter().zip(&runs).map(|(p, r)| printed_capacity(p, r)).collect();
    let flat =
        values.iter().zip(&printed).map(|(v, q)| Curve::line(format!("{name} = {v}"), vec![(0.0, *q), (PI, *q)]));
    let panels = vec![
        Panel::curves("(a) ergotropy", "Omega t", "xi", curves("ergotropy")),
        Panel::curves("(b) power", "Omega t", "P", curves("power")),
        Panel::curves("(c) capacity", "Omega t", "Q", curves("capacity")),
        Panel::curves("(d) l1 coherence", "Omega t", "C", curves("l1_coherence")),
        Panel::curves("(c') Eq. D1 as printed", "Omega t", "Q", flat.collect()),
    ];
    let of = |key: &str| runs.iter().map(|r| summary(r, key)).collect::<Vec<f64>>();
    let (xi, times, power, coherence) = (of("xi_max"), of("t_max"), of("P_max"), of("C_max"));
    let capacity: Vec<f64> = runs.iter().map(|r| mark(r, "end", "capacity")).collect();
    let closed = points.iter().zip(&xi).map(|(p, x)| (highest(closed_form(p)) - x).abs()).fold(0.0, f64::max);
    let flipped: Vec<f64> = points
        .iter()
        .map(|p| {
            let epsilon = p.iter().find(|(n, _)| *n == "epsilon").map_or(0.0, |(_, v)| *v);
            highest(closed_form(&with(p, "epsilon", -epsilon)))
        })
        .collect();
    let quarters = times.iter().all(|t| (t - FRAC_PI_4).abs() < 1e-6);
    let mut claims = vec![
        Claim::says(place, "all peak at Omega t = pi/4", quarters, format!("at {}", list(&times)))
            .instead("at arccos(-A/2K)/2, or pi/2 when 2K <= A: at pi/4 only for B = G = D = 0"),
        Claim::says(
            place,
            "(corrected closed form) peak of A(1 - cos 2 phi) + K sin^2 2 phi",
            closed < 1e-9,
            format!("differs by at most {}", digits(closed)),
        ),
    ];
    match figure {
        5 => {
            let share = |r: &Run, x: f64| -> Vec<(f64, f64)> {
                trace(r, "ergotropy").into_iter().map(|(t, w)| (t, w / x)).collect()
            };
            let narrower = runs[1..]
                .iter()
                .zip(&xi[1..])
                .map(|(r, x)| largest_difference(&share(&runs[0], xi[0]), &share(r, *x)))
                .fold(0.0, f64::max);
            let incoherent: Vec<f64> = runs
                .iter()
                .map(|r| {
                    let at_peak = |key: &str| {
                        trace(r, key)
                            .iter()
                            .min_by(|a, b| (a.0 - FRAC_PI_4).abs().total_cmp(&(b.0 - FRAC_PI_4).abs()))
                            .map_or(f64::NAN, |p| p.1)
                    };
                    at_peak("incoherent_ergotropy") / at_peak("ergotropy")
                })
                .collect();
            claims.extend([
                Claim::says(
                    place,
                    "Delta raises ergotropy, power and capacity",
                    rises(&xi) && rises(&power) && rises(&capacity),
                    list(&xi),
                ),
                Claim::says(
                    place,
                    "Delta narrows the peak of the ergotropy",
                    narrower > 1e-9,
                    format!("xi/xi_max differs by {}", digits(narrower)),
                )
                .instead("xi/xi_max = sin^2(2 Omega t) for every Delta"),
                Claim::says(
                    place,
                    "past the saturation of coherence the gain is incoherent, before it is not",
                    incoherent[0] < 0.999,
                    format!("incoherent share at the peak: {}", list(&incoherent)),
                )
                .instead("at the peak it is all incoherent for every Delta"),
            ]);
        }
        6 => claims.extend([
            Claim::says(place, "B raises the peak of the ergotropy", rises(&xi), list(&xi))
                .instead("it falls from B = 0 to 0.5; the battery charged along y obeys the claim"),
            Claim::says(place, "B raises the power", rises(&power), list(&power)),
            Claim::says(
                place,
                "larger B takes longer to charge",
                times.windows(2).all(|w| w[1] >= w[0] - 1e-7),
                format!("peak at {}", list(&times)),
            ),
        ]),
        7 => claims.extend([
            Claim::says(place, "temperature lowers the peaks", falls(&xi) && falls(&power), list(&xi)),
            Claim::says(
                place,
                "low temperatures reach the peak later",
                falls(&times),
                format!("peak at {}", list(&times)),
            )
            .instead("at B = 0 the peak stands at pi/4 for every T"),
        ]),
        8 => claims.extend([
            Claim::says(place, "G raises the peak of the ergotropy", rises(&xi), list(&xi))
                .instead("it falls until G = 0.5"),
            Claim::says(place, "G raises the power", rises(&power), list(&power)),
            Claim::says(place, "G raises the peak of the coherence", rises(&coherence), list(&coherence)),
            Claim::says(place, "G raises the capacity", rises(&capacity), list(&capacity)),
        ]),
        _ => claims.extend([
            Claim::says(place, "D raises the peak of the ergotropy", rises(&xi), list(&xi)),
            Claim::says(place, "D raises the power", rises(&power), list(&power)),
            Claim::says(place, "D raises the capacity", rises(&capacity), list(&capacity)),
        ]),
    }
    let worst = capacity.iter().zip(&printed).map(|(q, d)| (q - d).abs()).fold(0.0, f64::max);
    claims.push(
        Claim::says(
            place,
            "Eq. D1 is the capacity",
            worst < 1e-9,
            format!("D1 {}; capacity {}", list(&printed), list(&capacity)),
        )
        .instead("D1 is <00|H|00> - Tr[H zeta]; the capacity is sum e_k (r_k ascending - r_k descending)"),
    );
    if figure != 9 {
        let apart = flipped.iter().zip(&xi).map(|(f, x)| (f - x).abs()).fold(0.0, f64::max);
        claims.push(
            Claim::says(
                place,
                "Eq. D2 is the ergotropy of charging along x",
                apart < 1e-9,
                format!("its peaks {}, found {}", list(&flipped), list(&xi)),
            )
            .instead("A, K above; D2 at D = 0 is charging along y, that is epsilon -> -epsilon"),
        );
    }
    let title = format!("Charging of the dipolar pair, varying {name}");
    Ok(Reproduced { figure: Figure { name: format!("dipolar_fig{figure}"), title, columns: 3, panels }, claims })
}

/// Points along each axis of a map.
const RESOLUTION: usize = 21;

fn maps(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 10";
    // Two axes each: name, from, to; the first runs to the right.
    let columns: [[(&'static str, f64, f64); 2]; 4] = [
        [("Delta", -5.0, 5.0), ("D", -5.0, 5.0)],
        [("Delta", -5.0, 5.0), ("G", -5.0, 5.0)],
        [("Delta", -5.0, 5.0), ("epsilon", -5.0, 5.0)],
        [("B", 0.0, 4.0), ("T", 0.25, 4.25)],
    ];
    let rows = [
        ("capacity", "capacity"),
        ("C_max", "largest coherence"),
        ("xi_max", "largest ergotropy"),
        ("P_max", "largest power"),
    ];
    let base: Point =
        vec![("Delta", 1.0), ("epsilon", 0.5), ("D", 0.0), ("G", 0.0), ("B", 0.0), ("T", 1.0), ("samples", 61.0)];
    let mut points = Vec::new();
    for [(x, x0, x1), (y, y0, y1)] in columns {
        for v in grid(y0, y1, RESOLUTION) {
            points.extend(grid(x0, x1, RESOLUTION).into_iter().map(|u| with(&with(&base, x, u), y, v)));
        }
    }
    // The claims' own points, off the grid.
    let special = [(1.0, 1.0), (-1.0, 1.0)];
    points.extend(special.iter().map(|(delta, eps)| with(&with(&base, "Delta", *delta), "epsilon", *eps)));
    let wanted = |key: &str| key == "capacity" || key.ends_with("_max");
    let runs = bench.runs_of("dipolar_charging", &points, &wanted)?;
    let value = |r: &Run, key: &str| if key == "capacity" { mark(r, "end", key) } else { summary(r, key) };
    let size = RESOLUTION * RESOLUTION;
    let panels: Vec<Panel> = (0..16)
        .map(|k| {
            let (row, column) = (k / 4, k % 4);
            let [(x, x0, x1), (y, y0, y1)] = columns[column];
            let part = &runs[column * size..(column + 1) * size];
            let values = part.chunks(RESOLUTION).map(|r| r.iter().map(|r| value(r, rows[row].0)).collect()).collect();
            let map =
                Map { label: rows[row].1.into(), x: grid(x0, x1, RESOLUTION), y: grid(y0, y1, RESOLUTION), values };
            let title = format!("({}) {}", letter(k), rows[row].1);
            Panel { title, x: x.into(), y: y.into(), content: Content::Map(map) }
        })
        .collect();
    let last = &runs[3 * size..4 * size];
    let rows_of = |key: &'static str| {
        last.chunks(RESOLUTION).map(move |r| r.iter().map(|r| value(r, key)).collect::<Vec<f64>>()).collect::<Vec<_>>()
    };
    let xi = rows_of("xi_max");
    let cools = (1..RESOLUTION).all(|t| (0..RESOLUTION).all(|b| xi[t][b] <= xi[t - 1][b] + 1e-9));
    let grows = xi.iter().all(|row| rises(&row[1..]));
    let (equal, negative) = (&runs[4 * size], &runs[4 * size + 1]);
    let claims = vec![
        Claim::says(
            place,
            "coherence and ergotropy vanish where Delta = epsilon > 0",
            value(equal, "C_max") < 1e-9 && value(equal, "xi_max") < 1e-9,
            format!("at 1, 1: C {}, xi {}", digits(value(equal, "C_max")), digits(value(equal, "xi_max"))),
        )
        .instead("true of charging along y; along x where Delta = -epsilon"),
        Claim::says(
            place,
            "ergotropy and power vanish for Delta < 0 < epsilon",
            value(negative, "xi_max") < 1e-9,
            format!("at -1, 1: xi {}", digits(value(negative, "xi_max"))),
        ),
        Claim::says(
            place,
            "temperature lowers the ergotropy everywhere",
            cools,
            if cools { "on the whole map" } else { "not on the whole map" },
        ),
        Claim::says(place, "B raises the ergotropy", grows, if grows { "at every T" } else { "not at every T" })
            .instead("at low T it falls first"),
    ];
    let title = "Capacity, coherence, ergotropy and power of the dipolar pair".to_string();
    Ok(Reproduced { figure: Figure { name: "dipolar_fig10".into(), title, columns: 4, panels }, claims })
}

fn equations(bench: &Workbench) -> Result<Vec<Claim>, Fault> {
    // Eq. 5: (1, eta)/sqrt 2 on |01>, |10> should be an eigenvector of [[-2D/3, h], [h*, -2D/3]].
    let (delta, d) = (1.0f64, 0.7f64);
    let k1 = (9.0 * d * d + delta * delta).sqrt();
    let off = C64::new(-2.0 * delta / 3.0, 2.0 * d);
    let residual = |eta: C64| {
        let upper = off * eta;
        let lower = off.conj();
        // The eigenvalue is the mean; what is left is the residual.
        let mean = 0.5 * (upper + eta.conj() * lower);
        (0.5 * ((upper - mean).norm_sqr() + (lower - mean * eta).norm_sqr())).sqrt()
    };
    let (printed, right) = (
        residual(C64::new(-delta, 2.0 * d) / k1),
        residual(C64::new(-delta, 3.0 * d) / k1).min(residual(C64::new(-delta, -3.0 * d) / k1)),
    );
    // Eq. 27, literally: <11|H|11> - <00|H|00> = -4 B.
    let point: Point = vec![("Delta", 1.0), ("epsilon", 0.1), ("D", 0.0), ("G", 0.0), ("B", 1.0), ("T", 1.0)];
    let run = &bench.runs("dipolar_charging", std::slice::from_ref(&point))?[0];
    let capacity = mark(run, "end", "capacity");
    // The sign of Eq. 4: does Delta > 0 favour spins along z?
    let cold = &bench.runs(
        "dipolar_gibbs",
        &[vec![("Delta", 1.0), ("epsilon", 0.0), ("D", 0.0), ("G", 0.0), ("B", 0.0), ("T", 0.1)]],
    )?[0];
    let energy = mark(cold, "end", "energy");
    Ok(vec![
        Claim::says(
            "Eq. 5",
            "eta = (2iD - Delta)/k1 gives eigenvectors",
            printed < 1e-12,
            format!("residual {} (D = 0.7, Delta = 1)", digits(printed)),
        )
        .instead(format!("eta = (3iD - Delta)/k1, residual {}", digits(right))),
        Claim::says(
            "Eq. 27",
            "<11|H|11> - <00|H|00> is the capacity",
            (capacity + 4.0).abs() < 1e-9,
            format!("-4 for B = 1; capacity {}", digits(capacity)),
        ),
        Claim::says(
            "Eq. 4",
            "Delta > 0 turns the spins along z",
            energy > -1.0,
            format!("cold energy {}: that of the singlet-like level -4/3", digits(energy)),
        )
        .instead("Eq. 4 has + 2 Delta/3 Z Z: Delta > 0 favours the plane"),
    ])
}
