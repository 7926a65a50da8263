//! Spin chargers: M cells charged collectively by N spins, beside cavities.

#![expect(
    clippy::indexing_slicing,
    reason = "runs and values are those of the points that are asked for in the same function"
)]

use super::claim::{Claim, digits, falls, list, rises};
use super::paper::{Paper, Reproduced};
use super::workbench::{Point, Workbench, mark, summary, trace};
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::{Curve, Figure, Panel};

pub const PAPER: Paper = Paper {
    name: "spin-charger",
    title: "High-capacity and high-power collective charging with spin chargers",
    source: "Huangfu and Jing, Phys. Rev. E 104, 024129 (2021)",
    figures: &[2, 3, 4, 5, 6, 7, 8, 9],
    remarks: &[
        "E_max is the maximum for g t <= 10, consistent with the printed numbers; the first maximum is plotted and listed as well.",
        "The Tavis-Cummings benchmark is ambiguous in the paper: the cavity with n = M photons, and the limit of many charger spins (an inverted oscillator), are both plotted.",
        "Powers are P/(sqrt(N) g w0), energies in w0.",
    ],
    reproduce,
    equations,
};

const GAMMAS: [f64; 4] = [0.0, 0.2, 0.6, 1.0];

fn reproduce(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    match figure {
        2 => isotropic(bench),
        3 => anisotropic(bench),
        4 => sizes(bench),
        5 => advantage(bench),
        6 => crosstalk(bench),
        7 => mixtures(bench),
        8 => pair_energy(bench),
        _ => pair_power(bench),
    }
}

fn charger(m: f64, n: f64, gamma: f64) -> Point {
    vec![("M", m), ("N", n), ("gamma", gamma)]
}

fn extrema(key: &str) -> bool {
    matches!(key, "E_first" | "E_max" | "P_max" | "t_E")
}

fn only_power(key: &str) -> bool {
    key == "P_max"
}

/// Energy at its first maximum, energy in the window, largest power over sqrt(N).
fn result(run: &Run, n: f64) -> [f64; 3] {
    [summary(run, "E_first"), summary(run, "E_max"), summary(run, "P_max") / n.sqrt()]
}

/// Least-squares slope of y over x.
fn slope(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

/// The two cavities, for 1 to `most` cells: `[photons, limit]`, each with energy at the first maximum, in the window, and power.
fn cavities(bench: &Workbench, most: usize) -> Result<[Vec<[f64; 3]>; 2], Fault> {
    let points: Vec<Point> = (1..=most).map(|m| vec![("M", m as f64)]).collect();
    let of = |name| -> Result<Vec<[f64; 3]>, Fault> {
        Ok(bench.runs_of(name, &points, &extrema)?.iter().map(|r| result(r, 1.0)).collect())
    };
    Ok([of("cavity")?, of("cavity_inverted")?])
}

fn landscape(points: &[[f64; 3]], energy: usize) -> Vec<(f64, f64)> {
    points.iter().map(|p| (p[energy], p[2])).collect()
}

fn isotropic(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 2";
    const RATIOS: [f64; 4] = [1.0, 2.0, 10.0, 100.0];
    let points: Vec<Point> =
        RATIOS.iter().flat_map(|r| (1..=10).map(move |m| charger(m as f64, r * m as f64, 0.0))).collect();
    let runs = bench.runs_of("spin_charger", &points, &extrema)?;
    let of = |k: usize| -> Vec<[f64; 3]> {
        (0..10).map(|m| result(&runs[10 * k + m], RATIOS[k] * (m + 1) as f64)).collect()
    };
    let [photons, limit] = cavities(bench, 10)?;
    let panel = |energy: usize, title: &str| {
        let mut curves: Vec<Curve> =
            (0..4).map(|k| Curve::marks(format!("N/M = {}", RATIOS[k]), landscape(&of(k), energy))).collect();
        curves.push(Curve::line("cavity, n = M", landscape(&photons, energy)));
        curves.push(Curve::line("many spins", landscape(&limit, energy)));
        Panel::curves(title, "E/w0", "P_max/(sqrt(N) g w0)", curves)
    };
    let panels = vec![panel(0, "at the first maximum"), panel(1, "highest for g t <= 10")];
    let last = |list: &[[f64; 3]]| list[9];
    let (ten, one) = (of(2), of(0));
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.03;
    let coincide = |other: &[[f64; 3]]| near(last(&ten)[0], last(other)[0]) && near(last(&ten)[2], last(other)[2]);
    let shown = |p: [f64; 3]| format!("E {}, P {}", digits(p[0]), digits(p[2]));
    let power_of_two = one.iter().zip(&photons).skip(1).all(|(s, c)| s[2] < c[2] && s[2] > 0.9 * c[2]);
    let beats = |other: &[[f64; 3]]| one.iter().zip(other).skip(1).all(|(s, c)| s[0] > c[0]);
    let energies: Vec<f64> = (0..4).map(|k| last(&of(k))[0]).collect();
    let claims = vec![
        Claim::says(
            place,
            "N/M >= 10 coincides with the cavity (n = M photons)",
            coincide(&photons),
            format!("M = 10: {}; cavity {}", shown(last(&ten)), shown(last(&photons))),
        )
        .instead("it coincides with the inverted oscillator, the limit of many spins up"),
        Claim::says(
            place,
            "... with the limit of many spins",
            coincide(&limit),
            format!("limit {}", shown(last(&limit))),
        ),
        Claim::says(
            place,
            "N = M stores more than both cavities",
            beats(&photons) && beats(&limit),
            format!(
                "M = 10: {} against {} and {}",
                digits(last(&one)[0]),
                digits(last(&photons)[0]),
                digits(last(&limit)[0])
            ),
        ),
        Claim::says(
            place,
            "N = M has slightly less power than the cavity",
            power_of_two,
            format!("M = 10: {} against {}", digits(last(&one)[2]), digits(last(&photons)[2])),
        )
        .instead("slightly less than the limit of many spins; half of the cavity with photons"),
        Claim::says(place, "more charger spins store less", falls(&energies), format!("M = 10: {}", list(&energies))),
    ];
    let title = "Isotropic charging: energy and power, 1 to 10 cells".to_string();
    Ok(Reproduced { figure: Figure { name: "spin_charger_fig2".into(), title, columns: 2, panels }, claims })
}

/// The results of `spin_charger` in the order of the points. The largest systems run first, so that no core waits for them at the end.
fn largest_first(bench: &Workbench, points: &[Point]) -> Result<Vec<[f64; 3]>, Fault> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by_key(|&k| std::cmp::Reverse((points[k][0].1 * points[k][1].1) as u64));
    let sorted: Vec<Point> = order.iter().map(|&k| points[k].clone()).collect();
    let runs = bench.runs_of("spin_charger", &sorted, &extrema)?;
    let mut results = vec![[0.0; 3]; points.len()];
    for (&k, run) in order.iter().zip(&runs) {
        results[k] = result(run, points[k][1].1);
    }
    Ok(results)
}

fn anisotropic(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 3";
    const RATIOS: [f64; 4] = [1.0, 2.0, 3.0, 10.0];
    let mut points = Vec::new();
    for ratio in RATIOS {
        for gamma in GAMMAS {
            points.extend((1..=10).map(|m| charger(m as f64, ratio * m as f64, gamma)));
        }
    }
    let results = largest_first(bench, &points)?;
    let of = |ratio: usize, gamma: usize| &results[40 * ratio + 10 * gamma..][..10];
    let panels = (0..4)
        .map(|r| {
            let curves =
                (0..4).map(|g| Curve::marks(format!("gamma = {}", GAMMAS[g]), landscape(of(r, g), 1))).collect();
            Panel::curves(
                format!("({}) N/M = {}", char::from(b'a' + r as u8), RATIOS[r]),
                "E_max/w0",
                "P_max/(sqrt(N) g w0)",
                curves,
            )
        })
        .collect();
    let ten = |gamma: usize| of(0, gamma)[9];
    let slopes: Vec<f64> = (0..4).map(|r| slope(&landscape(of(r, 0), 0))).collect();
    let power_falls = (0..4).all(|r| (1..10).all(|m| falls(&(0..4).map(|g| of(r, g)[m][2]).collect::<Vec<_>>())));
    let energy = |e: usize| -> usize {
        (0..4)
            .map(|r| {
                (0..10).map(|m| (1..4).filter(|&g| of(r, g)[m][e] > of(r, g - 1)[m][e] + 1e-9).count()).sum::<usize>()
            })
            .sum()
    };
    let claims = vec![
        Claim::number(place, "M = N = 10, gamma = 0: E_max/w0", "9.76", ten(0)[1]),
        Claim::number(place, "the same: P_max", "9.24", ten(0)[2]),
        Claim::number(place, "gamma = 1: E_max/w0", "7.48", ten(3)[1]).instead("7.58: a misprint"),
        Claim::number(place, "gamma = 1: P_max", "6.67", ten(3)[2]),
        Claim::says(
            place,
            "P over E rises with a slope of 1.002 for N/M = 1 ...",
            (slopes[0] - 1.002).abs() < 0.02,
            format!("dP/dE = {}", digits(slopes[0])),
        ),
        Claim::says(
            place,
            "... up to 1.307 for N/M = 10",
            (slopes[3] / 1.307 - 1.0).abs() < 0.02,
            format!("dP/dE = {}", digits(slopes[3])),
        ),
        Claim::says(
            place,
            "the ratio of P and E does not depend on N/M",
            slopes.iter().all(|s| (s / slopes[0] - 1.0).abs() < 0.01),
            format!("slopes {}", list(&slopes)),
        ),
        Claim::says(place, "power falls with gamma", power_falls, "for all sizes from M = 2 on"),
        Claim::says(
            place,
            "E_max falls with gamma (first maximum)",
            energy(0) == 0,
            format!("violated {} times of 120", energy(0)),
        ),
        Claim::says(
            place,
            "E_max falls with gamma (as printed, in the window)",
            energy(1) == 0,
            format!("violated {} times of 120", energy(1)),
        )
        .instead("true of the first maximum; later recurrences may be higher for gamma = 1"),
    ];
    let title = "Anisotropic charging: energy and power, 1 to 10 cells".to_string();
    Ok(Reproduced { figure: Figure { name: "spin_charger_fig3".into(), title, columns: 2, panels }, claims })
}

fn sizes(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 4";
    const MOST: usize = 20;
    let points: Vec<Point> =
        GAMMAS.iter().flat_map(|g| (1..=MOST).rev().map(move |m| charger(m as f64, m as f64, *g))).collect();
    let runs = bench.runs_of("spin_charger", &points, &extrema)?;
    let of = |g: usize, m: usize| result(&runs[MOST * g + (MOST - m)], m as f64);
    let [photons, _] = cavities(bench, MOST)?;
    let panel = |k: usize, title: &str, y: &str| {
        let mut curves: Vec<Curve> = (0..4)
            .map(|g| {
                Curve::line(format!("gamma = {}", GAMMAS[g]), (1..=MOST).map(|m| (m as f64, of(g, m)[k])).collect())
            })
            .collect();
        curves.push(Curve::marks(
            "cavity, n = M",
            photons.iter().enumerate().map(|(k2, p)| ((k2 + 1) as f64, p[k])).collect(),
        ));
        Panel::curves(title, "M", y, curves)
    };
    let panels = vec![
        panel(0, "(a) energy at the first maximum", "E/w0"),
        panel(1, "(a') highest for g t <= 10", "E_max/w0"),
        panel(2, "(b) power", "P_max/(sqrt(N) g w0)"),
    ];
    let apart: Vec<f64> = [2usize, 11, 20].iter().map(|&m| of(1, m)[0] / photons[m - 1][0] - 1.0).collect();
    let violated = (1..=MOST).map(|m| (1..4).filter(|&g| of(g, m)[1] > of(g - 1, m)[1] + 1e-9).count()).sum::<usize>();
    let claims = vec![
        Claim::says(
            place,
            "gamma = 0.2 stores what the cavity stores",
            apart.iter().all(|a| a.abs() < 0.03),
            format!("relative difference at M = 2, 11, 20: {}", list(&apart)),
        )
        .instead("the curves only cross"),
        Claim::says(
            place,
            "energy falls with gamma (as printed, in the window)",
            violated == 0,
            format!("violated {violated} times of 60"),
        ),
    ];
    let title = "Energy and power for N = M".to_string();
    Ok(Reproduced { figure: Figure { name: "spin_charger_fig4".into(), title, columns: 3, panels }, claims })
}

/// Beyond the largest power for any gamma.
fn window(m: f64) -> f64 {
    4.0 / m.powf(0.75)
}

fn advantage(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 5";
    let sizes: Vec<usize> = (1..=20).chain((25..=100).step_by(5)).chain([49, 99]).collect();
    let mut points: Vec<Point> = Vec::new();
    for gamma in GAMMAS {
        for &m in sizes.iter().rev() {
            let mut point = charger(m as f64, m as f64, gamma);
            point.push(("window", window(m as f64)));
            points.push(point);
        }
    }
    let runs = bench.runs_of("spin_charger", &points, &only_power)?;
    let cavity: Vec<Point> =
        sizes.iter().map(|&m| vec![("M", m as f64), ("window", 4.0 / (m as f64).sqrt())]).collect();
    let photons = bench.runs_of("cavity", &cavity, &only_power)?;
    let power = |g: usize, m: usize| {
        let k = sizes.iter().rev().position(|&s| s == m).unwrap_or(0);
        summary(&runs[sizes.len() * g + k], "P_max")
    };
    let single = power(0, 1);
    let eta = |g: usize, m: usize| power(g, m) / (m as f64 * single);
    let cavity_eta = |m: usize| {
        let k = sizes.iter().position(|&s| s == m).unwrap_or(0);
        summary(&photons[k], "P_max") / (m as f64 * summary(&photons[0], "P_max"))
    };
    let local = |after: f64, before: f64, m: f64| (after / before).ln() / (m / (m - 1.0)).ln();
    let beta = |g: usize, m: usize| local(eta(g, m), eta(g, m - 1), m as f64);
    let mut ascending = sizes.clone();
    ascending.sort_unstable();
    let mut curves: Vec<Curve> = (0..4)
        .map(|g| {
            Curve::line(format!("gamma = {}", GAMMAS[g]), ascending.iter().map(|&m| (m as f64, eta(g, m))).collect())
        })
        .collect();
    curves.push(Curve::marks("cavity, n = M", ascending.iter().map(|&m| (m as f64, cavity_eta(m))).collect()));
    let panels = vec![Panel::curves("collective over parallel power", "M", "eta", curves)];
    let large: Vec<Point> = [1000.0, 999.0]
        .iter()
        .map(|&m| charger(m, m, 0.0).into_iter().chain([("window", window(m))]).collect())
        .collect();
    let thousand: Vec<f64> =
        bench.runs_of("spin_charger", &large, &only_power)?.iter().map(|r| summary(r, "P_max")).collect();
    let beta_thousand = local(thousand[0] / 1000.0, thousand[1] / 999.0, 1000.0);
    let etas: Vec<f64> = (0..4).map(|g| eta(g, 100)).collect();
    let mut claims = vec![
        Claim::number(place, "a cell with its own charger spin: p_max/(g w0)", "0.72", single),
        Claim::number(place, "gamma = 0: beta at M = 20", "0.81", beta(0, 20)),
        Claim::number(place, "gamma = 0: beta at M = 100", "0.87", beta(0, 100)),
        Claim::number(place, "gamma = 0: beta at M = 1000", "0.99", beta_thousand)
            .instead("0.912; 1 is approached as 1/ln M. A coarse time grid produces such values"),
        Claim::says(
            place,
            "(found here) P_max/(g w0) at M = N = 1000",
            (thousand[0] - 154525.4886).abs() < 1e-3,
            format!("{:.4}", thousand[0]),
        ),
        Claim::number(place, "gamma = 0.2: beta at M = 100", "0.84", beta(1, 100))
            .instead(format!("that is the slope at M = 50, {}", digits(beta(1, 50)))),
        Claim::number(place, "gamma = 0.6: beta at M = 100", "0.79", beta(2, 100))
            .instead(format!("that is the slope at M = 50, {}", digits(beta(2, 50)))),
        Claim::number(place, "gamma = 1: beta at M = 100", "0.48", beta(3, 100))
            .instead(format!("that is the slope at M = 50, {}", digits(beta(3, 50)))),
    ];
    let beta_cavity = local(cavity_eta(100), cavity_eta(99), 100.0);
    claims.push(Claim::says(place, "cavity: beta = 0.5", (beta_cavity - 0.5).abs() < 0.005, digits(beta_cavity)));
    claims.push(
        Claim::says(
            place,
            "all beat the cavity remarkably",
            etas.iter().all(|e| *e > 1.2 * cavity_eta(100)),
            format!("M = 100: {}; cavity {}", list(&etas), digits(cavity_eta(100))),
        )
        .instead("gamma = 1 by 2 % only"),
    );
    let title = "The advantage of collective charging, N = M".to_string();
    Ok(Reproduced { figure: Figure { name: "spin_charger_fig5".into(), title, columns: 1, panels }, claims })
}

/// Points of a curve.
type Points = Vec<(f64, f64)>;

fn two_panels(curves: Vec<(String, Points, Points)>) -> Vec<Panel> {
    let (energy, power) =
        curves.into_iter().map(|(label, e, p)| (Curve::line(label.clone(), e), Curve::line(label, p))).unzip();
    vec![
        Panel::curves("(a) stored energy", "g t", "E/w0", energy),
        Panel::curves("(b) average power", "g t", "P/(g w0)", power),
    ]
}

fn crosstalk(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 6";
    let point = |m: f64, g1: f64| -> Point {
        charger(m, 2.0 * m, 0.0).into_iter().chain([("g1", g1), ("samples", 401.0)]).collect()
    };
    let strengths = [0.0, 0.1, 1.0, 7.0, 10.0];
    let runs = bench.runs("spin_charger", &strengths.map(|g| point(2.0, g)))?;
    let curves = [1, 2, 4]
        .map(|k| {
            let label = format!("g1/g = {}", strengths[k]);
            (label, trace(&runs[k], "stored_energy"), trace(&runs[k], "average_power"))
        })
        .into();
    let energy = |k: usize| summary(&runs[k], "E_max");
    let power = |k: usize| summary(&runs[k], "P_max");
    let larger: Vec<Point> = [2.0, 4.0, 10.0].iter().flat_map(|&m| [point(m, 0.0), point(m, 1.0)]).collect();
    let found = bench.runs_of("spin_charger", &larger, &extrema)?;
    let ratios: Vec<f64> = found.chunks(2).map(|p| summary(&p[1], "E_first") / summary(&p[0], "E_first")).collect();
    let claims = vec![
        Claim::number(place, "no coupling among the charger: E_max/w0", "1.92", energy(0)),
        Claim::number(place, "the same: P_max/(g w0)", "3.04", power(0)),
        Claim::number(place, "g1/g = 0.1: E_max/w0", "1.91", energy(1)),
        Claim::number(place, "g1/g = 0.1: P_max/(g w0)", "3.02", power(1)),
        Claim::number(place, "g1/g = 1: E_max/w0", "0.85", energy(2)),
        Claim::number(place, "g1/g = 1: P_max/(g w0)", "1.83", power(2)),
        Claim::number(place, "g1/g = 7: per cent of the full energy", "1", 50.0 * energy(3)),
        Claim::says(
            place,
            "the loss declines with the size of the system",
            rises(&ratios),
            format!("g1 = g, M = 2, 4, 10: E/E(0) = {}", list(&ratios)),
        )
        .instead("it grows"),
    ];
    let title = "Coupling among the charger spins, M = 2, N = 4".to_string();
    Ok(Reproduced {
        figure: Figure { name: "spin_charger_fig6".into(), title, columns: 2, panels: two_panels(curves) },
        claims,
    })
}

fn mixtures(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 7";
    let point = |p: f64, q: f64| -> Point { vec![("p", p), ("q", q), ("samples", 401.0)] };
    let runs = bench.runs("spin_charger_mixed", &[point(1.0, 1.0), point(0.6, 1.0), point(1.0, 0.6)])?;
    let names = ["ideal", "non-ideal charger", "non-empty battery"];
    let curves = (0..3)
        .map(|k| (names[k].to_string(), trace(&runs[k], "stored_energy"), trace(&runs[k], "average_power")))
        .collect();
    let share = |k: usize, key: &str| 100.0 * summary(&runs[k], key) / summary(&runs[0], key);
    let peak = trace(&runs[1], "stored_energy").iter().map(|p| p.1).fold(0.0, f64::max);
    let work = trace(&runs[1], "ergotropy").iter().map(|p| p.1).fold(0.0, f64::max);
    let claims = vec![
        Claim::number(place, "non-ideal charger: E_max in per cent of the ideal", "84", share(1, "E_max")),
        Claim::number(place, "non-ideal charger: P_max in per cent", "88", share(1, "P_max")),
        Claim::number(place, "non-empty battery: E_max in per cent", "70", share(2, "E_max")),
        Claim::number(place, "non-empty battery: P_max in per cent", "72", share(2, "P_max")),
        Claim::says(
            place,
            "the stored energy can be extracted completely",
            work > 0.999 * peak,
            format!("non-ideal charger: ergotropy {} of {}", digits(work), digits(peak)),
        )
        .instead("only by running the charging backwards; unitaries on the cells extract the ergotropy"),
    ];
    let title = "Mixed chargers and cells, M = 2, N = 4".to_string();
    Ok(Reproduced {
        figure: Figure { name: "spin_charger_fig7".into(), title, columns: 2, panels: two_panels(curves) },
        claims,
    })
}

const PAIR: [f64; 3] = [2.0, 20.0, 200.0];

fn pair_runs(bench: &Workbench) -> Result<(Vec<Run>, Run, Run), Fault> {
    let window = |w: f64| [("window", w), ("samples", 401.0)];
    let points: Vec<Point> =
        PAIR.iter().map(|&n| charger(2.0, n, 0.0).into_iter().chain(window(10.0 / n.sqrt())).collect()).collect();
    let cavity: Point = [("M", 2.0)].into_iter().chain(window(10.0)).collect();
    let runs = bench.runs("spin_charger", &points)?;
    let photons = bench.runs("cavity", std::slice::from_ref(&cavity))?.remove(0);
    let limit = bench.runs("cavity_inverted", std::slice::from_ref(&cavity))?.remove(0);
    Ok((runs, photons, limit))
}

fn pair_figure(name: &str, key: &str, y: &str, runs: &(Vec<Run>, Run, Run)) -> Figure {
    let panel = |title: String, run: &Run, scale: f64| {
        let points = trace(run, key).into_iter().map(|(t, v)| (t, v / scale)).collect();
        Panel::curves(title, "g t", y, vec![Curve::line("", points)])
    };
    let root = |n: f64| if key == "average_power" { n.sqrt() } else { 1.0 };
    let mut panels: Vec<Panel> = runs.0.iter().zip(PAIR).map(|(r, n)| panel(format!("N = {n}"), r, root(n))).collect();
    panels.push(panel("cavity, 2 photons".into(), &runs.1, 1.0));
    panels.push(panel("many spins".into(), &runs.2, 1.0));
    Figure { name: name.into(), title: "Two cells".into(), columns: 3, panels }
}

fn pair_energy(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 8";
    let runs = pair_runs(bench)?;
    let energy: Vec<f64> = runs.0.iter().map(|r| summary(r, "E_max")).collect();
    let closed = |n: f64| 16.0 * n * (n - 1.0) / (3.0 * n - 2.0).powi(2);
    let apart = PAIR.iter().zip(&energy).map(|(n, e)| (closed(*n) - e).abs()).fold(0.0, f64::max);
    let cavity = summary(&runs.1, "E_max");
    let claims = vec![
        Claim::number(place, "N = 2: E_max/w0", "2", energy[0]),
        Claim::number(place, "N = 20: E_max/w0", "1.81", energy[1]),
        Claim::number(place, "N = 200: E_max/w0", "1.78", energy[2]),
        Claim::says(place, "cavity: E_max = 16/9 w0", (cavity - 16.0 / 9.0).abs() < 1e-9, digits(cavity)),
        Claim::says(
            "Eq. A7",
            "E_max = 16 N (N-1)/(3N-2)^2",
            apart < 1e-8,
            format!("differs by at most {}", digits(apart)),
        ),
    ];
    Ok(Reproduced { figure: pair_figure("spin_charger_fig8", "stored_energy", "E/w0", &runs), claims })
}

fn pair_power(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "Fig. 9";
    let runs = pair_runs(bench)?;
    let power = |k: usize| summary(&runs.0[k], "P_max") / PAIR[k].sqrt();
    let (cavity, limit) = (summary(&runs.1, "P_max"), summary(&runs.2, "P_max"));
    let claims = vec![
        Claim::number(place, "N = 2: P_max/(sqrt(N) g w0)", "1.45", power(0)),
        Claim::number(place, "N = 200: P_max/(sqrt(N) g w0)", "1.53", power(2)),
        Claim::says(
            place,
            "that is close to the cavity with 2 photons",
            (cavity - power(2)).abs() < 0.02,
            digits(cavity),
        )
        .instead(format!("it is close to the limit of many spins, {}", digits(limit))),
    ];
    Ok(Reproduced { figure: pair_figure("spin_charger_fig9", "average_power", "P_max", &runs), claims })
}

fn equations(bench: &Workbench) -> Result<Vec<Claim>, Fault> {
    // Eq. 17 as printed, beside the emulation of the state it is written for.
    let p0 = 0.3;
    let run = &bench.runs("spin_charger_product", &[vec![("p0", p0)]])?[0];
    let stored = trace(run, "stored_energy");
    let form = |half: f64, t: f64| {
        let s = 2.0 * (2f64.sqrt() * t).sin().powi(2);
        s - p0 * (s - half * (2.0 * t).sin().powi(2))
    };
    let apart = |half: f64| stored.iter().map(|(t, e)| (form(half, *t) - e).abs()).fold(0.0, f64::max);
    // A charger of half the frequency would not be in resonance.
    let base = charger(10.0, 10.0, 0.0);
    let first: Point = base.iter().copied().chain([("window", 1.0)]).collect();
    let time = summary(&bench.runs_of("spin_charger", &[first], &extrema)?[0], "t_E");
    let full: Point = base.into_iter().chain([("window", time)]).collect();
    let charged = &bench.runs("spin_charger", &[full])?[0];
    let (energy, work, symmetric) = (
        mark(charged, "end", "stored_energy"),
        mark(charged, "end", "ergotropy"),
        mark(charged, "end", "symmetric_ergotropy"),
    );
    let cavities = cavities(bench, 3)?;
    let (photons, limit) = (cavities[0][1], cavities[1][1]);
    let three: Vec<f64> = {
        let points: Vec<Point> = (1..=3).map(|m| charger(m as f64, m as f64, 0.0)).collect();
        bench
            .runs_of("spin_charger", &points, &extrema)?
            .iter()
            .zip(1..)
            .map(|(r, m)| summary(r, "E_max") / m as f64)
            .collect()
    };
    Ok(vec![
        Claim::says("Eq. 5", "spins that are all up are a cavity with photons for N -> infinity", (photons[2] - limit[2]).abs() < 0.02, format!("two cells: P {} and {}", digits(photons[2]), digits(limit[2]))).instead("J_- = b^+ sqrt(N - b^+ b) about the state of all spins up, H_C = -w0 b^+ b: an inverted oscillator that begins in its vacuum"),
        Claim::says("Eq. 17", "E = 2 sin^2(sqrt2 gt) - p0 [2 sin^2(sqrt2 gt) - sin^2(2gt)]", apart(1.0) < 1e-9, format!("off by {} for p0 = {p0}", digits(apart(1.0)))).instead(format!("sin^2(2gt)/2: off by {}. As printed it is the symmetric state of one spin up", digits(apart(0.5)))),
        Claim::says("Sec. III", "the stored energy can be extracted completely", (work - energy).abs() < 1e-9, format!("M = N = 10 at the first maximum: ergotropy {} of {}; {} within the symmetric states", digits(work), digits(energy), digits(symmetric))).instead("only by running the charging backwards"),
        Claim::says("Sec. III", "N = M reaches full charge", three.iter().all(|e| *e > 1.0 - 1e-9), format!("E_max/(M w0) for M = 1, 2, 3: {}", list(&three))).instead("in a finite time for M = 1 and 2 only"),
    ])
}
