//! What a tomography found, for people and as JSON.

use crate::emulator::Readings;
use crate::results::ResultSet;
use crate::tomography::{Amplitude, Quantity};
use serde_json::{Value, json};

/// What is printed: the plan, the state, the energies with their errors, and which of them to quote. `unit` is that of energies.
pub fn readings(unit: &str, r: &Readings) -> String {
    let unseen = r.parameters - r.rank;
    let mut out = format!(
        "tomography{}: {}\n  {} of {} parameters observable, condition number {:.3}, {} scans\n",
        if r.measured { ", measured" } else { "" },
        r.readouts.join(", "),
        r.rank,
        r.parameters,
        r.condition,
        r.scans
    );
    if unseen > 0 {
        out += &format!("  the other {unseen} are set to those of the maximally mixed state\n");
    }
    // What rounds to zero has no sign.
    let six = |x: f64| if x.abs() < 5e-7 { 0.0 } else { x };
    let (smallest, linear) = (six(r.smallest.0), six(r.smallest.1));
    out += &format!("  {}: smallest eigenvalue {smallest:.6}", r.method);
    if r.method != "linear" {
        out += &format!(", least squares {linear:.6}");
    }
    if r.smallest.0 < -1e-12 {
        out += " (not positive semidefinite)";
    }
    out += &format!(
        "\n  correlation with the {} deviation from the maximally mixed state {:.6}\n",
        if r.measured { "emulated" } else { "true" },
        r.correlation
    );
    if r.mirrored {
        out += "  in these data a higher shift has a lower frequency, contrary to the convention\n  of spectrometers: they are read with that sign\n";
    }
    let Some(e) = &r.energies else { return out };
    let shown = |x: f64| format!("{:>11.3e}", x);
    let named = |name: &str| if unit.is_empty() { name.to_string() } else { format!("{name} [{unit}]") };
    if r.sigma == 0.0 {
        return out + "  without noise: the energies at the mark `tomography` have no errors\n";
    }
    out += &format!("  noise of an amplitude {:.3e}, reference line {:.3e}\n", r.sigma, r.reference);
    let freedom = r.numbers - r.rank;
    out += &match r.chi_square {
        Some(_) if r.measured => "  the noise is estimated from the residuals\n".into(),
        Some(chi) => format!("  chi^2 = {chi:.1} for {freedom} degrees of freedom\n"),
        None => String::new(),
    };
    out += &format!("  {:<13}{:>11}{:>11}{:>11}{:>11}   {}\n", "", "value", "error", "bias", "corrected", "95 %");
    for (name, q) in [("energy", &e.energy), ("ergotropy", &e.ergotropy), ("capacity", &e.capacity)] {
        let bias = q.bias.map_or_else(|| format!("{:>11}", "-"), shown);
        let (low, high) = q.interval_95;
        out += &format!(
            "  {:<13}{}{}{bias}{}   {:.3e}..{:.3e}\n",
            named(name),
            shown(q.value),
            shown(q.error),
            shown(q.corrected),
            low,
            high
        );
    }
    for condition in &e.conditions {
        out += &format!("  intervals: {condition}\n");
    }
    let q = &e.ergotropy;
    let space = if unit.is_empty() { "" } else { " " };
    out + &if q.interval_95.0 <= 0.0 {
        format!("  to quote: W is compatible with 0; upper bound {:.3e}{space}{unit} (97.5 %)\n", q.interval_95.1)
    } else {
        format!(
            "  to quote: W = ({:.4e} +- {:.1e}){space}{unit}, the corrected value;\n  for unitary charging, E(t) - E(0) has the lower variance\n",
            q.corrected, q.error
        )
    }
}

fn quantity(q: &Quantity) -> Value {
    json!({
        "value": q.value,
        "error": q.error,
        "bias": q.bias,
        "corrected": q.corrected,
        "interval_68": [q.interval_68.0, q.interval_68.1],
        "interval_95": [q.interval_95.0, q.interval_95.1],
    })
}

/// The same as an object.
pub fn readings_json(r: &Readings) -> Value {
    let energies = r.energies.as_ref().map(|e| {
        json!({
            "energy": quantity(&e.energy),
            "ergotropy": quantity(&e.ergotropy),
            "capacity": quantity(&e.capacity),
            "conditions": e.conditions,
        })
    });
    json!({
        "readouts": r.readouts,
        "measured": r.measured,
        "mirrored": r.mirrored,
        "amplitudes": r.amplitudes.iter().map(Amplitude::turned).map(|a| json!({
            "readout": a.readout, "nucleus": a.nucleus, "frequency": a.frequency, "real": a.real, "imaginary": a.imaginary,
        })).collect::<Vec<_>>(),
        "rank": r.rank,
        "parameters": r.parameters,
        "condition": r.condition,
        "scans": r.scans,
        "sigma": r.sigma,
        "reference": r.reference,
        "method": r.method,
        "smallest_eigenvalue": r.smallest.0,
        "smallest_eigenvalue_linear": r.smallest.1,
        "chi_square": r.chi_square,
        "converged": r.converged.0,
        "steps": r.converged.1,
        "correlation": r.correlation,
        "energies": energies,
    })
}

/// The amplitudes of a run's first tomography as a table, which `ergoseq tomography --data` reads.
///
/// # Errors
/// When there is no tomography.
pub fn amplitudes(set: &ResultSet) -> Result<String, String> {
    let readings = set.at(0).and_then(|p| p.tomographies().first());
    let Some(readings) = readings else { return Err("the program has no `tomography`".into()) };
    let mut out = format!("{}\n", crate::tomography::data::COLUMNS);
    for a in readings.amplitudes.iter().map(Amplitude::turned) {
        let number = crate::syntax::number_text;
        let cells = [number(a.frequency), number(a.real), number(a.imaginary)];
        out += &format!("{},{},{}\n", a.readout, a.nucleus, cells.join(","));
    }
    Ok(out)
}
