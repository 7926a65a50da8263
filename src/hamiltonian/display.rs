//! A schedule as text: the output of `ergoseq show --stage hamiltonian`.

use super::schedule::{Feedback, Look, Schedule, Segment, Step, Strobe, duration};
use crate::spin::{Basis, Operator, SiteKind};
use crate::syntax::number_text;
use crate::units::{UnitSystem, angular_factor};
use crate::waveform::Scalar;
use std::fmt::Write;

/// The schedule as text; frequencies are in Hz in lab files.
pub fn describe(schedule: &Schedule, units: UnitSystem) -> String {
    let mut out = String::new();
    let basis = &schedule.basis;
    let _ = writeln!(out, "basis: {} states", number_text(basis.size()));
    for site in &basis.sites {
        let what = match (&site.kind, site.isotope) {
            (SiteKind::Spin, Some(isotope)) => format!("spin, {}", isotope.symbol),
            (SiteKind::Spin, None) => "spin".to_string(),
            (SiteKind::Collective { number, multiplets, .. }, _) => match multiplets.len() {
                1 => format!("collective of {number} spins, symmetric multiplet"),
                n => format!("collective of {number} spins, all {n} multiplets"),
            },
            (SiteKind::Mode, _) => "mode".to_string(),
        };
        let _ = writeln!(out, "  {}: {what}, {} states", site.name, site.dimension);
    }
    if let Some(battery) = &schedule.battery {
        let cells: Vec<&str> = battery.sites.iter().map(|&s| basis.site(s).name.as_str()).collect();
        let _ =
            writeln!(out, "battery of {}:\n  H = {}", cells.join(", "), operator(&battery.hamiltonian, basis, units));
    }
    let _ = writeln!(out, "schedule:");
    let mut clock = 0.0;
    steps(&schedule.steps, basis, units, 1, &mut clock, &mut out);
    out
}

fn time(t: f64, units: UnitSystem) -> String {
    crate::units::time_text(t, units)
}

fn steps(list: &[Step], basis: &Basis, units: UnitSystem, depth: usize, clock: &mut f64, out: &mut String) {
    let indent = "  ".repeat(depth);
    for step in list {
        let at = time(*clock, units);
        match step {
            Step::Segment(s) => {
                let _ = writeln!(out, "{indent}at {at} for {}:", time(s.duration, units));
                segment(s, basis, units, &indent, out);
                *clock += s.duration;
            }
            Step::Kick(k) => {
                let (angle, about) =
                    (k.angle.at(0.0).to_degrees(), operator(&k.generator(), basis, UnitSystem::Natural));
                let _ = writeln!(out, "{indent}at {at}: rotation by {angle:.6} deg about {about}");
            }
            Step::Crush(keep) => {
                let orders: Vec<String> = keep.iter().map(i64::to_string).collect();
                let keep = if keep.is_empty() { String::new() } else { format!(" keep {}", orders.join(", ")) };
                let _ = writeln!(out, "{indent}at {at}: crush{keep}");
            }
            Step::Dephase(o, _) => {
                let _ = writeln!(out, "{indent}at {at}: dephase {}", operator(o, basis, UnitSystem::Natural));
            }
            Step::Reset(reset) => {
                let names: Vec<&str> = reset.sites.iter().map(|s| basis.site(*s).name.as_str()).collect();
                let _ = writeln!(out, "{indent}at {at}: reset {}", names.join(", "));
            }
            Step::Feedback(feedback) => {
                *clock += duration(std::slice::from_ref(step));
                let _ = writeln!(out, "{indent}at {at}: {}", described(feedback, basis));
            }
            Step::Project(project) => {
                let begin = *clock;
                let error = match project.error {
                    0.0 => String::new(),
                    error => format!(" (error probability {})", number_text(error)),
                };
                for (projector, branch) in &project.branches {
                    let named = operator(projector, basis, UnitSystem::Natural);
                    let _ = writeln!(out, "{indent}at {at}: if measured {named}{error}:");
                    *clock = begin;
                    steps(branch, basis, units, depth + 1, clock, out);
                }
            }
            Step::Tomography(t) => {
                let channels: Vec<&str> = t.channels.iter().map(|c| c.nucleus.as_str()).collect();
                let _ = writeln!(out, "{indent}at {at}: tomography of {}", channels.join(", "));
            }
            Step::Mark(name) => {
                let _ = writeln!(out, "{indent}at {at}: mark {name}");
            }
            Step::Acquire(a) => {
                let (receiver, dwell) = (&a.receiver, time(a.receiver.dwell, units));
                let (points, nucleus) = (receiver.points, &receiver.nucleus);
                let _ = writeln!(out, "{indent}at {at}: acquire {points} points of {nucleus}, dwell {dwell}:");
                segment(&a.segment, basis, units, &indent, out);
                *clock += a.segment.duration;
            }
            Step::Strobe(strobe) => passes(strobe, basis, units, depth, clock, out),
            Step::Loop(count, body) => {
                let _ = writeln!(out, "{indent}{count} times:");
                let begin = *clock;
                steps(body, basis, units, depth + 1, clock, out);
                *clock = begin + *count as f64 * (*clock - begin);
            }
        }
    }
}

/// A loop that is observed once a pass.
fn passes(strobe: &Strobe, basis: &Basis, units: UnitSystem, depth: usize, clock: &mut f64, out: &mut String) {
    let indent = "  ".repeat(depth);
    let looked = match &strobe.look {
        Look::Trace(name) => format!("trace `{name}` before the first and after every pass"),
        Look::Signal(receiver) => format!("signal of {} at the start of every pass", receiver.nucleus),
    };
    let _ = writeln!(out, "{indent}at {}: {looked}:", time(*clock, units));
    for (count, body) in &strobe.runs {
        let _ = writeln!(out, "{indent}  {count} times:");
        let begin = *clock;
        steps(body, basis, units, depth + 2, clock, out);
        *clock = begin + *count as f64 * (*clock - begin);
    }
}

fn segment(s: &Segment, basis: &Basis, units: UnitSystem, indent: &str, out: &mut String) {
    for (c, o) in s.terms() {
        let text = match c {
            Scalar::Constant(c) => {
                operator(&o.clone().as_ref().clone().times_number(crate::linalg::real(*c)), basis, units)
            }
            Scalar::Varying(f) => {
                let factor = angular_factor(units);
                // Zero is added, so that -0 is printed as 0.
                let at = |t: f64| number_text((f.at(t) / factor * 1e9).round() / 1e9 + 0.0);
                let unit = if units == UnitSystem::Lab { " Hz" } else { "" };
                format!(
                    "f(t) * ({}), f from {}{unit} to {}{unit}",
                    operator(o, basis, UnitSystem::Natural),
                    at(0.0),
                    at(s.duration)
                )
            }
        };
        let _ = writeln!(out, "{indent}  H = {text}");
    }
    if let Some(order) = &s.relaxing.order {
        let named = |o: &Operator| operator(o, basis, UnitSystem::Natural);
        let (h, lost) = (named(&order.hamiltonian), named(&order.lost));
        let _ = writeln!(out, "{indent}  order decays, -Tr[G rho] H with H = {h}, G = {lost}");
    }
    for c in &s.relaxing.collapse {
        let _ = writeln!(out, "{indent}  collapse {}", operator(c, basis, UnitSystem::Natural));
    }
    for changing in &s.relaxing.changing {
        let at = |t: f64| crate::syntax::number_text(crate::units::rounded(changing.rate.at(t)));
        let c = operator(&changing.operator, basis, UnitSystem::Natural);
        let _ = writeln!(out, "{indent}  collapse {c}, rate from {} to {}", at(0.0), at(s.duration));
    }
    if let Some(record) = &s.record {
        let _ = writeln!(out, "{indent}  record {} samples as {}", record.points, record.name);
    }
}

/// Maximum number of terms written out.
const MOST_TERMS: usize = 24;

fn operator(o: &Operator, basis: &Basis, units: UnitSystem) -> String {
    let factor = 1.0 / angular_factor(units);
    let terms = o.named_terms(basis);
    if terms.is_empty() {
        return "0".into();
    }
    let unit = if units == UnitSystem::Lab { " Hz" } else { "" };
    let mut text = String::new();
    for (k, (c, name)) in terms.iter().take(MOST_TERMS).enumerate() {
        let value = c * factor;
        let is_real = value.im.abs() <= 1e-12 * value.norm();
        let negative = is_real && value.re < 0.0;
        text.push_str(match (k, negative) {
            (0, false) => "",
            (0, true) => "-",
            (_, false) => " + ",
            (_, true) => " - ",
        });
        let number = match is_real {
            true => decimals(value.re.abs()),
            false => format!("({} + {}i)", decimals(value.re), decimals(value.im)),
        };
        let is_one = unit.is_empty() && number == "1";
        text.push_str(&match name.as_str() {
            "1" => format!("{number}{unit}"),
            _ if is_one => name.clone(),
            _ => format!("{number}{unit} {name}"),
        });
    }
    if terms.len() > MOST_TERMS {
        let _ = write!(text, " + {} more terms", terms.len() - MOST_TERMS);
    }
    text
}

/// A number with nine decimals, without the zeros at its end.
fn decimals(value: f64) -> String {
    format!("{value:.9}").trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A reading, or an evolution that depends on readings.
fn described(feedback: &Feedback, basis: &Basis) -> String {
    match feedback {
        Feedback::Read(reading) => {
            let observable = operator(&reading.observable, basis, UnitSystem::Natural);
            format!("read {} = Tr[rho A], A = {observable}", reading.name)
        }
        Feedback::Driven(_) => "evolution with strengths that depend on readings".into(),
    }
}
