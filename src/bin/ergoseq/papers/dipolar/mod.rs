//! The magnetic dipolar battery: two spins, their correlations under noise and in equilibrium, and their charging.

#![expect(clippy::indexing_slicing, reason = "there is a run for each point that is asked for")]

mod charging;
mod correlations;
mod maps;

use super::claim::{Claim, digits};
use super::paper::{Paper, Reproduced};
use super::workbench::{Point, Workbench, mark};
use ergoseq::hamiltonian::Fault;
use ergoseq::linalg::C64;

pub const PAPER: Paper = Paper {
    name: "dipolar",
    title: "Magnetic Dipolar Quantum Battery with Spin-Orbit Coupling",
    source: "Ali, Elghaayda, Al-Kuwari, Hussain, Rahim, Byrnes et al., 2024",
    figures: &[3, 4, 5, 6, 7, 8, 9, 10],
    remarks: &[
        "Fig. 3 starts from |00>: of the simple states only |00> and |11> are consistent with its statements about D and Delta.",
        "Assumed, as the paper does not state them: T = 1 in Figs. 5, 6, 8 and 9, B = 0 in Fig. 7, epsilon = 0.5 in Fig. 4 (m-o).",
        "Q is plotted as the capacity on the unitary orbit, and for comparison as Eq. D1 of the paper, which is a different quantity.",
        "The axes of Fig. 10, and the fixed parameters of its last column, are chosen here.",
    ],
    reproduce,
    equations,
};

fn reproduce(bench: &Workbench, figure: u32) -> Result<Reproduced, Fault> {
    match figure {
        3 => correlations::in_time(bench),
        4 => correlations::in_equilibrium(bench),
        10 => maps::maps(bench),
        _ => charging::charging(bench, figure),
    }
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
