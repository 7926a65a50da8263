//! A rehearsal as text of 80 columns: every statement, then what it takes and what it leaves.

use crate::emulator::DryRun;
use crate::ir::Experiment;
use crate::source::Sources;
use crate::units::UnitSystem;
use std::fmt::Write;

/// A time or frequency in three or four digits with a fitting prefix.
pub fn scaled(x: f64, unit: &str) -> String {
    if x == 0.0 || unit.is_empty() {
        return format!("{x:.4}").trim_end_matches('0').trim_end_matches('.').to_string();
    }
    let (factor, prefix) = match x.abs() {
        a if a < 1e-6 => (1e9, "n"),
        a if a < 1e-3 => (1e6, "u"),
        a if a < 1.0 => (1e3, "m"),
        a if a < 1e3 => (1.0, ""),
        a if a < 1e6 => (1e-3, "k"),
        _ => (1e-6, "M"),
    };
    let number = format!("{:.3}", x * factor);
    format!("{} {prefix}{unit}", number.trim_end_matches('0').trim_end_matches('.'))
}

/// The text.
pub fn rehearsal(r: &DryRun, experiment: &Experiment, sources: &Sources) -> String {
    let lab = experiment.units == UnitSystem::Lab;
    let (second, hertz) = if lab { ("s", "Hz") } else { ("", "") };
    let mut out = String::new();
    let _ = writeln!(out, "{}", if experiment.title.is_empty() { "(no title)" } else { &experiment.title });
    let _ = writeln!(out, "duration of a scan {}", scaled(r.duration, second));
    if r.scans > 1 {
        let _ = writeln!(out, "the phase cycles need {} scans", r.scans);
    }
    match r.recycle {
        Some(recycle) => {
            let whole = r.scans as f64 * (r.duration + recycle);
            let _ = writeln!(
                out,
                "with 5 T1 = {} between scans {} in total",
                scaled(recycle, second),
                scaled(whole, second)
            );
        }
        None => out += "no T1 is given, so the recycle delay is unknown\n",
    }
    let train: f64 = r.blocks.iter().map(|b| b.energy).sum();
    if train > 0.0 {
        let _ = writeln!(out, "rf load per scan: equivalent to {} at max_rf", scaled(train, second));
    }
    let orders = r.blocks.first().map_or(0, |b| b.orders.len());
    let mut header = format!("\n{:>12} {:>11} {:>11}", "start", "duration", "rf");
    (0..orders).for_each(|k| header += &format!(" {:>7}", format!("order {k}")));
    let _ = writeln!(out, "{header}");
    let _ = writeln!(out, "{}", "-".repeat(header.chars().count() - 1));
    for block in &r.blocks {
        let statement = block.place.0.map_or("", |span| sources.words(span));
        let statement: String = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "{}", statement.chars().take(78).collect::<String>());
        let rf = block.rf.map_or_else(|| "-".to_string(), |x| scaled(x, hertz));
        let mut line =
            format!("{:>12} {:>11} {rf:>11}", scaled(block.start.max(0.0), second), scaled(block.duration, second));
        for share in &block.orders {
            line += &share.map_or_else(|| format!(" {:>7}", "-"), |x| format!(" {:>7.4}", x.abs()));
        }
        let _ = writeln!(out, "{line}");
        let shown = |x: Option<f64>| x.map_or_else(|| "-".to_string(), |x| format!("{x:.4e}"));
        let unit = if lab { " J" } else { "" };
        if let Some((energy, ergotropy)) = block.battery {
            let _ = writeln!(out, "{:>12} energy {}{unit}, ergotropy {}{unit}", "", shown(energy), shown(ergotropy));
        }
        if let Some((heat, work)) = block.exchanged {
            let _ =
                writeln!(out, "{:>12} heat {}{unit}, work {}{unit} of this statement", "", shown(heat), shown(work));
        }
    }
    if !r.remarks.is_empty() {
        out += "\nremarks:\n";
        for remark in &r.remarks {
            let mut line = String::from("*");
            for word in remark.split_whitespace() {
                if line.chars().count() + 1 + word.chars().count() > 79 {
                    let _ = writeln!(out, "{line}");
                    line = String::from(" ");
                }
                line.push(' ');
                line += word;
            }
            let _ = writeln!(out, "{line}");
        }
    }
    out += "\nnot modelled: probe ring-down, transmit/receive switching, radiation damping,\ncouplings to undeclared spins\n";
    out
}
