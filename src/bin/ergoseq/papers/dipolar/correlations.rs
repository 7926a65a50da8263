//! Figs. 3 and 4 of the dipolar battery: concurrence, discord and coherence under noise and in equilibrium.

#![expect(
    clippy::indexing_slicing,
    reason = "runs, curves and panels are those of the points that are asked for in the same function"
)]

use super::super::claim::{Claim, digits, falls, list, rises};
use super::super::paper::{Reproduced, letter};
use super::super::workbench::{Point, Workbench, grid, mark, summary, trace};
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::{Curve, Figure, Panel};

/// Five rows of panels: in each one parameter takes three values.
const ROWS: [&str; 5] = ["epsilon", "B", "D", "G", "Delta"];
const VALUES: [f64; 3] = [0.1, 1.0, 10.0];
const CORRELATIONS: [(&str, &str); 3] =
    [("concurrence(a,b)", "concurrence"), ("discord(a,b)", "discord"), ("l1_coherence", "l1 coherence")];

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

/// The largest difference of two curves over the same times.
pub fn largest_difference(a: &[(f64, f64)], b: &[(f64, f64)]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x.1 - y.1).abs()).fold(0.0, f64::max)
}

/// The panels of Fig. 3 or 4 over `x`; `curve` gives the correlation `c` of panel `k`.
fn panels(x: &str, curve: &dyn Fn(usize, usize) -> Vec<(f64, f64)>) -> Vec<Panel> {
    (0..15)
        .map(|k| {
            let curves = (0..3).map(|c| Curve::line(CORRELATIONS[c].1, curve(k, c))).collect();
            Panel::curves(panel_title(k), x, "correlation", curves)
        })
        .collect()
}

/// Fig. 3: correlations under Pauli-X dephasing.
pub fn in_time(bench: &Workbench) -> Result<Reproduced, Fault> {
    let points: Vec<Point> = (0..15).map(|k| panel_point(k, false)).collect();
    let runs = bench.runs("dipolar_dephasing", &points)?;
    let curve = |k: usize, c: usize| trace(&runs[k], CORRELATIONS[c].0);
    let concurrence = summary(&runs[0], "E_max");
    let mut claims = Vec::from(order_of_correlations(&curve));
    claims.extend(effects_on_peaks(&runs));
    claims.extend(absent_effects(bench, &curve)?);
    claims.push(
        Claim::says(
            "Fig. 3",
            "panel a shows entanglement",
            concurrence > 1e-9,
            format!("largest concurrence {}", digits(concurrence)),
        )
        .instead(
            "concurrence is max(0, exp(-2 gamma t)(|sin 4 epsilon t| - sinh 2 gamma t)): zero for epsilon <= gamma/2",
        ),
    );
    let title = "Correlations of the dipolar pair under Pauli-X dephasing".to_string();
    let panels = panels("t", &curve);
    Ok(Reproduced { figure: Figure { name: "dipolar_fig3".into(), title, columns: 3, panels }, claims })
}

/// Which correlation is larger, and which lasts longer.
fn order_of_correlations(curve: &dyn Fn(usize, usize) -> Vec<(f64, f64)>) -> [Claim; 2] {
    // The last time at which a correlation is above 0.01.
    let lifetime = |k: usize, c: usize| curve(k, c).iter().rev().find(|p| p.1 > 0.01).map_or(0.0, |p| p.0);
    let ordered = (0..15).filter(|&k| lifetime(k, 2) >= lifetime(k, 1) && lifetime(k, 1) >= lifetime(k, 0)).count();
    let above = (0..15)
        .map(|k| curve(k, 0).iter().zip(curve(k, 1)).map(|(e, d)| e.1 - d.1).fold(0.0, f64::max))
        .fold(0.0, f64::max);
    [
        Claim::says(
            "Fig. 3",
            "coherence persists longer than discord, discord longer than concurrence",
            ordered == 15,
            format!("in {ordered} of 15 panels"),
        )
        .instead("in panel f concurrence persists longer than discord"),
        Claim::says(
            "Fig. 3",
            "discord is above concurrence at all times",
            above < 1e-9,
            format!("concurrence is above by up to {}", digits(above)),
        ),
    ]
}

/// Which parameters raise the peaks of all correlations, and which lower them.
fn effects_on_peaks(runs: &[Run]) -> [Claim; 3] {
    let peaks = |row: usize, key: &str| (0..3).map(|v| summary(&runs[3 * row + v], key)).collect::<Vec<f64>>();
    let all = |row: usize, f: fn(&[f64]) -> bool| ["E_max", "D_max", "C_max"].iter().all(|k| f(&peaks(row, k)));
    let shown = |row: usize| {
        ["E_max", "D_max", "C_max"]
            .map(|k| format!("{} {}", k.trim_end_matches("_max"), list(&peaks(row, k))))
            .join("; ")
    };
    [
        Claim::says("Fig. 3", "epsilon raises all peaks", all(0, rises), shown(0)),
        Claim::says("Fig. 3", "B lowers all peaks", all(1, falls), shown(1)),
        Claim::says("Fig. 3", "G raises all peaks", all(3, rises), shown(3)),
    ]
}

/// Whether D and Delta leave the correlations as they are: in the figure, where B = 0, and at B = 1.
fn absent_effects(bench: &Workbench, curve: &dyn Fn(usize, usize) -> Vec<(f64, f64)>) -> Result<[Claim; 4], Fault> {
    let place = "Fig. 3";
    let change = |row: usize| {
        (0..3)
            .flat_map(|c| [(1, c), (2, c)])
            .map(|(v, c)| largest_difference(&curve(3 * row, c), &curve(3 * row + v, c)))
            .fold(0.0, f64::max)
    };
    let at =
        |d: f64, delta: f64| -> Point { vec![("Delta", delta), ("epsilon", 0.5), ("D", d), ("G", 0.0), ("B", 1.0)] };
    let in_field = bench.runs("dipolar_dephasing", &[at(0.0, 1.0), at(1.0, 1.0), at(1.0, 10.0)])?;
    let coherence = |k: usize| trace(&in_field[k], CORRELATIONS[2].0);
    let by_d = largest_difference(&coherence(0), &coherence(1));
    let by_delta = largest_difference(&coherence(1), &coherence(2));
    Ok([
        Claim::says(place, "D has no effect", change(2) < 1e-8, format!("largest change {}", digits(change(2)))),
        Claim::says(
            place,
            "D has no effect, whatever B is",
            by_d < 1e-8,
            format!("B = 1, D from 0 to 1: coherence changes by {}", digits(by_d)),
        )
        .instead("true for B = G = 0 only, where rho_14 stays imaginary"),
        Claim::says(place, "Delta has no effect", change(4) < 1e-8, format!("largest change {}", digits(change(4)))),
        Claim::says(
            place,
            "Delta has no effect for any B and D",
            by_delta < 1e-8,
            format!("B = D = 1, Delta from 1 to 10: {}", digits(by_delta)),
        )
        .instead("true for D = 0, or for B = G = 0"),
    ])
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

/// Fig. 4: correlations of Gibbs states over temperature.
pub fn in_equilibrium(bench: &Workbench) -> Result<Reproduced, Fault> {
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
            .instead("they are 1 for every D and cannot increase"),
        Claim::says(place, "G makes entanglement more robust", rises(row(3)), list(row(3)))
            .instead("from G = 0.1 to 1 it ends earlier"),
        Claim::says(place, "Delta raises that temperature", rises(row(4)), list(row(4))),
    ];
    let title = "Correlations of the dipolar pair in thermal equilibrium".to_string();
    let panels = panels("T", &curve);
    Ok(Reproduced { figure: Figure { name: "dipolar_fig4".into(), title, columns: 3, panels }, claims })
}
