//! Heisenberg chains: what the abstract claims of two spins and more, in one stated reading.

#![expect(
    clippy::indexing_slicing,
    reason = "runs and values are those of the points that are asked for in the same function"
)]

use super::claim::{Claim, digits, list};
use super::paper::{Paper, Reproduced};
use super::workbench::{Point, Workbench, grid, mark};
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::{Curve, Figure, Panel};

pub const PAPER: Paper = Paper {
    name: "heisenberg",
    title: "Ergotropy and Capacity Optimization in Heisenberg Spin Chain Quantum Batteries",
    source: "arXiv 2408.00133 (abstract, second version)",
    figures: &[1, 2, 3, 4, 5],
    remarks: &[
        "Based on the abstract only: the figures are numbered here and illustrate its statements.",
        "Interpretation: Gibbs state of the whole H, inverted by a pi pulse about x on every spin, battery Hamiltonian H; Pauli matrices, |J| = 1.",
    ],
    reproduce,
    equations,
};

/// Name and (Jx, Jy, Jz) of the antiferromagnet; the ferromagnet has them negative.
const MODELS: [(&str, [f64; 3]); 6] = [
    ("XXX", [1.0, 1.0, 1.0]),
    ("XX", [1.0, 1.0, 0.0]),
    ("XXZ", [1.0, 1.0, 0.5]),
    ("XY", [1.5, 0.5, 0.0]),
    ("XYZ", [1.5, 0.5, 0.5]),
    ("Ising", [0.0, 0.0, 1.0]),
];

const SIGNS: [(&str, f64); 2] = [("AFM", 1.0), ("FM", -1.0)];

/// Fields (B, 0), (B, B), (B, -B).
const PATTERNS: [(&str, f64); 3] = [("one spin", 0.0), ("uniform", 1.0), ("staggered", -1.0)];

fn reproduce(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    match figure {
        1 => fields(bench),
        2 => temperatures(bench),
        3 => exchange(bench),
        4 => threshold(bench),
        _ => rings(bench),
    }
}

fn pair(model: usize, sign: f64, field: (f64, f64), t: f64) -> Point {
    let j = MODELS[model].1;
    let mut point: Point = vec![("Jx", sign * j[0]), ("Jy", sign * j[1]), ("Jz", sign * j[2])];
    point.extend([("Dx", 0.0), ("Dz", 0.0), ("Gx", 0.0), ("Gz", 0.0), ("B1", field.0), ("B2", field.1), ("T", t)]);
    point
}

fn set(point: Point, name: &'static str, value: f64) -> Point {
    point.into_iter().map(|(n, v)| (n, if n == name { value } else { v })).collect()
}

fn of(runs: &[Run], key: &str) -> Vec<f64> {
    runs.iter().map(|r| mark(r, "charged", key)).collect()
}

fn line(label: impl Into<String>, x: &[f64], y: &[f64]) -> Curve {
    Curve::line(label, x.iter().copied().zip(y.iter().copied()).collect())
}

/// The largest amount by which ergotropy exceeds capacity.
fn excess(runs: &[Run]) -> f64 {
    runs.iter()
        .map(|r| mark(r, "charged", "ergotropy") - mark(r, "charged", "capacity"))
        .fold(f64::NEG_INFINITY, f64::max)
}

fn fields(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "abstract";
    let strengths = grid(0.0, 3.0, 61);
    let mut points = Vec::new();
    for model in 0..6 {
        for (_, sign) in SIGNS {
            for (_, second) in PATTERNS {
                points.extend(strengths.iter().map(|b| pair(model, sign, (*b, second * b), 0.05)));
            }
        }
    }
    let runs = bench.runs("heisenberg_pair", &points)?;
    let n = strengths.len();
    let curve = |model: usize, sign: usize, pattern: usize| {
        of(&runs[((model * 2 + sign) * 3 + pattern) * n..][..n], "ergotropy")
    };
    let panels = (0..12)
        .map(|k| {
            let (model, sign) = (k / 2, k % 2);
            let curves = (0..3).map(|p| line(PATTERNS[p].0, &strengths, &curve(model, sign, p))).collect();
            Panel::curves(format!("{} {}", MODELS[model].0, SIGNS[sign].0), "B", "ergotropy", curves)
        })
        .collect();
    let same = |m: usize| {
        (0..3)
            .flat_map(|p| curve(m, 0, p).into_iter().zip(curve(m, 1, p)))
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    };
    let mut claims = Vec::from(best_patterns(&strengths, &curve));
    claims.extend([
        Claim::says(
            place,
            "the models behave distinctly",
            (0..6).all(|m| same(m) > 1e-9),
            format!("AFM and FM differ by {} (XX), {} (XY)", digits(same(1)), digits(same(3))),
        )
        .instead("for XX and XY a rotation of one spin about z maps one onto the other"),
        Claim::says(
            place,
            "ergotropy is limited by the capacity",
            excess(&runs) < 1e-10,
            format!("W - C is at most {}", digits(excess(&runs))),
        ),
    ]);
    let title = "Ergotropy over the field, T = 0.05".to_string();
    Ok(Reproduced { figure: Figure { name: "heisenberg_fig1".into(), title, columns: 4, panels }, claims })
}

/// Which pattern of the field gives most ergotropy; `curve` gives the ergotropy of a model, a sign and a pattern over the strengths.
fn best_patterns(strengths: &[f64], curve: &dyn Fn(usize, usize, usize) -> Vec<f64>) -> [Claim; 4] {
    let place = "abstract";
    // 0.75 lies below every field at which the best pattern changes, but for XX, XY and XXZ ferromagnets.
    let at = |b: f64| strengths.iter().position(|x| (x - b).abs() < 1e-9).unwrap_or(0);
    let wins = |sign: usize, b: f64, better: usize, worse: usize| -> Vec<&str> {
        (0..6)
            .filter(|&m| curve(m, sign, better)[at(b)] > curve(m, sign, worse)[at(b)] + 1e-9)
            .map(|m| MODELS[m].0)
            .collect()
    };
    let (low, high, ferro) = (wins(0, 0.75, 0, 1), wins(0, 2.5, 0, 1), wins(1, 0.75, 1, 0));
    let staggered = wins(0, 0.75, 2, 0);
    [
        Claim::says(
            place,
            "antiferromagnets: the field on one spin is best (B = 0.75)",
            low.len() == 6,
            format!("for {}", low.join(", ")),
        ),
        Claim::says(
            place,
            "... at any field (B = 2.5)",
            high.len() == 6,
            format!("for {}", if high.is_empty() { "none".into() } else { high.join(", ") }),
        )
        .instead("above 4 B^2 = (2 Jz + |Jx + Jy|)^2 - (Jx - Jy)^2 the uniform field is best"),
        Claim::says(
            place,
            "... of all patterns, staggered fields included",
            staggered.is_empty(),
            format!("staggered is better for {}", staggered.join(", ")),
        )
        .instead("true for fields that are not negative"),
        Claim::says(
            place,
            "ferromagnets: the uniform field is best (B = 0.75)",
            ferro.len() == 6,
            format!("for {}", ferro.join(", ")),
        )
        .instead("not for XX and XY below B = 1 and 0.866"),
    ]
}

fn temperatures(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "abstract";
    let t: Vec<f64> = (0..64).map(|k| 0.02 * 1.1f64.powi(k)).collect();
    let mut points = Vec::new();
    for model in 0..6 {
        points.extend(t.iter().map(|t| pair(model, 1.0, (1.5, 0.0), *t)));
        points.extend(t.iter().map(|t| pair(model, -1.0, (1.5, 1.5), *t)));
    }
    let runs = bench.runs("heisenberg_pair", &points)?;
    let curve = |k: usize| of(&runs[k * t.len()..][..t.len()], "ergotropy");
    let panels = (0..6)
        .map(|m| {
            let curves = vec![line("AFM, one spin", &t, &curve(2 * m)), line("FM, uniform", &t, &curve(2 * m + 1))];
            Panel::curves(MODELS[m].0, "T", "ergotropy", curves)
        })
        .collect();
    // Where the ergotropy has fallen to half of its cold value.
    let half = |w: &[f64]| w.iter().position(|x| *x < 0.5 * w[0]).map_or(f64::INFINITY, |k| t[k]);
    let robust: Vec<&str> =
        (0..6).filter(|&m| half(&curve(2 * m)) > half(&curve(2 * m + 1))).map(|m| MODELS[m].0).collect();
    let more = (0..6).all(|m| curve(2 * m + 1).iter().zip(curve(2 * m)).all(|(f, a)| *f >= a - 1e-9));
    let claims = vec![
        Claim::says(
            place,
            "AFM ergotropy is more robust against T (falls to half later)",
            robust.len() == 6,
            format!("for {}", robust.join(", ")),
        )
        .instead("not for Ising"),
        Claim::says(
            place,
            "AFM ergotropy is larger at high T",
            !more,
            if more { "FM stores more at every T" } else { "somewhere" },
        ),
    ];
    let title = "Ergotropy over temperature, B = 1.5".to_string();
    Ok(Reproduced { figure: Figure { name: "heisenberg_fig2".into(), title, columns: 3, panels }, claims })
}

fn exchange(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "abstract";
    let x = grid(0.0, 6.0, 301);
    let scans: [(&str, &'static str, Point); 2] = [
        ("AFM XXX, field 0.5 on one spin", "Gx", pair(0, 1.0, (0.5, 0.0), 0.05)),
        ("FM XY, uniform field 0.5", "Dx", pair(3, -1.0, (0.5, 0.5), 0.05)),
    ];
    let mut panels = Vec::new();
    let mut found = Vec::new();
    for (title, name, base) in scans {
        let points: Vec<Point> = x.iter().map(|v| set(base.clone(), name, *v)).collect();
        let runs = bench.runs("heisenberg_pair", &points)?;
        let (w, c, l) = (of(&runs, "ergotropy"), of(&runs, "capacity"), of(&runs, "l1_coherence"));
        panels.push(Panel::curves(
            title,
            name,
            "",
            vec![line("ergotropy", &x, &w), line("capacity", &x, &c), line("l1 coherence", &x, &l)],
        ));
        found.push((w, c, l));
    }
    let (w, c, l) = &found[0];
    let peak = w.iter().copied().fold(0.0, f64::max);
    let place_of = |v: &[f64], y: f64| v.iter().position(|x| *x == y).unwrap_or(0);
    let top = place_of(w, peak);
    let later = w[(top + 30).min(w.len() - 1)];
    let enhanced = peak > 1.1 * w[0] && later < 0.8 * peak;
    let convex = |c: &[f64]| c[c.len() - 1] >= c.iter().copied().fold(0.0, f64::max) - 1e-9;
    let dip = found[1].1.windows(2).any(|p| p[1] < p[0] - 1e-6);
    let claims = vec![
        Claim::says(
            place,
            "DM and KSEA enhance the capacity",
            c[300] > c[0] && found[1].1[300] > found[1].1[0],
            format!("from {} to {}", digits(c[0]), digits(c[300])),
        ),
        Claim::says(
            place,
            "ergotropy rises to a threshold, then declines sharply",
            enhanced,
            format!("{} at 0, {} at {}, {} 0.6 later", digits(w[0]), digits(peak), digits(x[top]), digits(later)),
        ),
        Claim::says(
            place,
            "the capacity declines permanently beyond a threshold",
            !(convex(c) && convex(&found[1].1)),
            format!("it is highest at the end, with a dip in between: {}", if dip { "yes" } else { "no" }),
        )
        .instead("E_max(x) - E_min(x) is convex: at T = 0 it can only dip at a crossing of levels and recovers"),
        Claim::says(
            place,
            "coherence follows ergotropy",
            l[top..].windows(2).filter(|p| p[1] > p[0]).count() < 60,
            format!("coherence {} at the peak, {} at the end", digits(l[top]), digits(l[300])),
        )
        .instead("it keeps growing while the ergotropy falls"),
    ];
    let title = "DM and KSEA exchange, T = 0.05".to_string();
    Ok(Reproduced { figure: Figure { name: "heisenberg_fig3".into(), title, columns: 2, panels }, claims })
}

fn threshold(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "abstract";
    let x = grid(0.0, 4.0, 201);
    let strengths = [2.5, 3.0, 4.0];
    let mut curves = Vec::new();
    let mut jumps = Vec::new();
    for b in strengths {
        let points: Vec<Point> = x.iter().map(|d| set(pair(0, 1.0, (b, b), 0.01), "Dz", *d)).collect();
        let w = of(&bench.runs("heisenberg_pair", &points)?, "ergotropy");
        // The step is the largest fall between neighbours.
        let k = (1..w.len()).max_by(|&i, &j| (w[i - 1] - w[i]).total_cmp(&(w[j - 1] - w[j]))).unwrap_or(1);
        jumps.push(0.5 * (x[k - 1] + x[k]));
        curves.push(line(format!("B = {b}"), &x, &w));
    }
    let expected: Vec<f64> = strengths.iter().map(|b| ((b - 1.0f64).powi(2) - 1.0).sqrt()).collect();
    let met = jumps.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.03);
    let bare: &Run = &bench.runs("heisenberg_pair", &[pair(0, -1.0, (1.0, 1.0), 0.01)])?[0];
    let (w, l) = (mark(bare, "charged", "ergotropy"), mark(bare, "charged", "l1_coherence"));
    let claims = vec![
        Claim::says(
            place,
            "(closed form found here) AFM XXX, uniform B: a step at D = sqrt((B-1)^2 - 1)",
            met,
            format!("at {}; expected {}", list(&jumps), list(&expected)),
        ),
        Claim::says(
            place,
            "ergotropy is limited by the amount of coherence",
            w <= l + 1e-9,
            format!("FM XXX, B = 1: W = {}, l1 coherence {}", digits(w), digits(l)),
        )
        .instead("true of its coherent part: W_coh <= (E_max - E_min)/2 l1 in the energy basis"),
    ];
    let panels = vec![Panel::curves("AFM XXX, uniform field, T = 0.01", "Dz", "ergotropy", curves)];
    let title = "A threshold that can be solved".to_string();
    Ok(Reproduced { figure: Figure { name: "heisenberg_fig4".into(), title, columns: 1, panels }, claims })
}

fn rings(bench: &Workbench) -> Result<Reproduced, Fault> {
    let place = "abstract";
    let x = grid(0.0, 4.0, 81);
    let mut panels = Vec::new();
    let mut drops = Vec::new();
    for n in [3.0, 4.0] {
        let base: Point = vec![
            ("N", n),
            ("ring", 1.0),
            ("Jx", -1.0),
            ("Jy", -1.0),
            ("Jz", -1.0),
            ("B", 1.0),
            ("T", 0.05),
            ("Dx", 0.0),
        ];
        let points: Vec<Point> = x.iter().map(|d| set(base.clone(), "Dx", *d)).collect();
        let runs = bench.runs("heisenberg_chain", &points)?;
        let (w, c) = (of(&runs, "ergotropy"), of(&runs, "capacity"));
        drops.push(w[80] / w[0]);
        panels.push(Panel::curves(
            format!("ring of {n}"),
            "Dx",
            "",
            vec![line("ergotropy", &x, &w), line("capacity", &x, &c)],
        ));
    }
    // Ferromagnetic chains: is the uniform field the best of all patterns of 0 and B?
    let mut best = Vec::new();
    for n in 2..=5u32 {
        let points: Vec<Point> = (0..(1u32 << n) - 1)
            .map(|p| {
                vec![
                    ("N", f64::from(n)),
                    ("Jx", -1.0),
                    ("Jy", -1.0),
                    ("Jz", -1.0),
                    ("B", 1.0),
                    ("T", 0.05),
                    ("pattern", f64::from(p)),
                ]
            })
            .collect();
        let w = of(&bench.runs("heisenberg_chain", &points)?, "ergotropy");
        best.push(w.iter().skip(1).all(|x| *x <= w[0] + 1e-9));
    }
    let claims = vec![
        Claim::says(
            place,
            "rings: ergotropy collapses at a threshold of DM exchange",
            drops.iter().all(|d| *d < 0.1),
            format!("W(Dx = 4)/W(0) = {}", list(&drops)),
        ),
        Claim::says(
            place,
            "ferromagnetic chains of 2 to 5 spins: the uniform field is best",
            best.iter().all(|b| *b),
            format!("{} of 4 sizes, all patterns of 0 and B", best.iter().filter(|b| **b).count()),
        ),
    ];
    let title = "Ferromagnetic rings, B = 1, T = 0.05".to_string();
    Ok(Reproduced { figure: Figure { name: "heisenberg_fig5".into(), title, columns: 2, panels }, claims })
}

fn equations(_: &Workbench) -> Result<Vec<Claim>, Fault> {
    Ok(vec![])
}
