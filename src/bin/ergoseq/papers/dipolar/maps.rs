//! Fig. 10 of the dipolar battery: capacity, coherence, ergotropy and power over two parameters.

#![expect(
    clippy::indexing_slicing,
    reason = "runs, curves and panels are those of the points that are asked for in the same function"
)]

use super::super::claim::{Claim, digits, rises};
use super::super::paper::{Reproduced, letter};
use super::super::workbench::{Point, Workbench, grid, mark, summary};
use super::charging::with;
use ergoseq::emulator::Run;
use ergoseq::hamiltonian::Fault;
use ergoseq::output::{Content, Figure, Map, Panel};

/// Points along each axis of a map.
const RESOLUTION: usize = 21;

/// Fig. 10.
pub fn maps(bench: &Workbench) -> Result<Reproduced, Fault> {
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
