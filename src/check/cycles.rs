//! Phase cycles: lists of phases, in which other cycles stand for all of theirs.

use super::checker::Checker;
use super::names::Declarations;
use crate::budget::CYCLE_PHASES;
use crate::ir::{Cycle, Experiment, phase_of_word, scans_of};
use crate::syntax::{Expr, ExprKind};
use crate::units::{Unit, UnitSystem};

/// Checks the cycles and adds them to the experiment. A phase in which cycles stand becomes one phase for each of their steps.
pub(super) fn cycles(declarations: &Declarations, experiment: &mut Experiment, c: &mut Checker) {
    for (name, phases) in declarations.cycles(c) {
        let mut all = Vec::new();
        for phase in phases {
            let phase = in_radian(phase, experiment.units);
            c.phase(&phase);
            let steps = steps(&phase, &experiment.cycles, experiment.units);
            if !CYCLE_PHASES.allows((all.len() + steps.len()) as u64) {
                c.diagnostics.push(CYCLE_PHASES.exceeded(Some(phase.span())));
                break;
            }
            all.extend(steps);
        }
        experiment.cycles.push(Cycle { name: name.text.clone(), phases: all });
    }
}

/// The values of a phase: itself, or, if it contains cycles, one value per scan over their common period.
fn steps(phase: &Expr, known: &[Cycle], units: UnitSystem) -> Vec<Expr> {
    let mut named: Vec<&Cycle> = Vec::new();
    if phase_of_word(phase).is_none() {
        phase.walk(&mut |e| {
            if let ExprKind::Name(name) = &e.kind {
                named.extend(known.iter().find(|cycle| cycle.name == *name));
            }
        });
    }
    let scans = scans_of(named.iter().copied());
    // One more than allowed is enough for an error.
    (0..scans.min(CYCLE_PHASES.most as usize + 1))
        .map(|scan| {
            phase.replace(&|name| {
                let cycle = named.iter().find(|cycle| cycle.name == name)?;
                cycle.phases.get(scan % cycle.phases.len().max(1)).map(|phase| as_angle(phase, units))
            })
        })
        .collect()
}

/// A phase as an angle: an axis by its degrees.
fn as_angle(phase: &Expr, units: UnitSystem) -> Expr {
    match (phase_of_word(phase), Unit::named("deg")) {
        (Some(angle), Some(degree)) if units == UnitSystem::Lab => {
            let degrees = Expr { place: phase.place, ..Expr::number(angle.to_degrees().round()) };
            Expr { kind: ExprKind::Quantity(Box::new(degrees), degree), place: phase.place }
        }
        (Some(angle), _) => Expr { place: phase.place, ..Expr::number(angle) },
        (None, _) => phase.clone(),
    }
}

/// Converts a phase in parts of a turn, which the parser gives in degrees, to radian in files with natural units. Such a number has no unit
/// in the text, so its span equals that of the whole phase; a unit written by the user is left, and later rejected.
fn in_radian(phase: &Expr, units: UnitSystem) -> Expr {
    match &phase.kind {
        ExprKind::Quantity(value, unit) if units == UnitSystem::Natural && value.span() == phase.span() => {
            match value.kind {
                ExprKind::Number(x) => Expr::at(ExprKind::Number(x * unit.factor), phase.span()),
                _ => phase.clone(),
            }
        }
        _ => phase.clone(),
    }
}
