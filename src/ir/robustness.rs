//! An experiment with errors of the rf amplitude and of the offset as parameters.

use super::ensemble::{Distribution, Shape, Spread, Varied};
use super::event::{Event, EventKind};
use super::experiment::{Experiment, Param, Sweep};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Place;
use crate::syntax::ast::SweepValues;
use crate::syntax::{Expr, parse_expression};
use crate::units::UnitSystem;

/// The parameter of the relative error of the rf amplitude.
pub const RF_ERROR: &str = "rf_error";

/// The parameter of the frequency offset.
pub const OFFSET_ERROR: &str = "offset_error";

/// The experiment with the rf amplitude of `nucleus` multiplied by `1 + rf_error`, its offset shifted by `offset_error`, and a sweep of both:
/// what the errors of its ensemble were is replaced, other distributions remain. Without a nucleus it is the only one that is pulsed.
///
/// # Errors
/// If no nucleus or several are pulsed and none is named, or if the file has a parameter of one of these names.
pub fn with_errors(
    experiment: &Experiment,
    nucleus: Option<&str>,
    (rf, offset): (SweepValues, SweepValues),
) -> Result<Experiment, Box<Diagnostic>> {
    let nucleus = match nucleus {
        Some(nucleus) => nucleus.to_string(),
        None => only_pulsed(&experiment.sequence)?,
    };
    let mut out = experiment.clone();
    if let Some(param) = experiment.params.iter().find(|p| p.name == RF_ERROR || p.name == OFFSET_ERROR) {
        let message =
            format!("the file has a parameter `{}`, which the map would need for the error itself", param.name);
        return Err(Box::new(
            Diagnostic::new(Code::DefinedTwice, param.place.span(), message).help("rename the parameter"),
        ));
    }
    out.sweeps.clear();
    // The default gives the parameter its dimension.
    let no_offset = match experiment.units {
        UnitSystem::Lab => parse_expression("0 Hz", 0).map_err(Box::new)?,
        UnitSystem::Natural => Expr::number(0.0),
    };
    for (name, values, default) in [(RF_ERROR, rf, Expr::number(0.0)), (OFFSET_ERROR, offset, no_offset)] {
        out.params.push(Param { name: name.to_string(), default, range: None, place: Place::default() });
        out.sweeps.push(vec![Sweep { name: name.to_string(), values, place: Place::default() }]);
    }
    let (scale, shift) = (Varied::Rf(nucleus.clone()), Varied::Offset(nucleus));
    out.ensemble.retain(|d| d.varied != scale && d.varied != shift);
    for (varied, value) in [(scale, format!("1 + {RF_ERROR}")), (shift, OFFSET_ERROR.to_string())] {
        let value = parse_expression(&value, 0).map_err(Box::new)?;
        out.ensemble.push(Distribution {
            varied,
            shape: Shape::Spread(Spread::Uniform),
            settings: vec![("from".to_string(), value.clone()), ("to".to_string(), value)],
            points: Some(Expr::number(1.0)),
            place: Place::default(),
        });
    }
    Ok(out)
}

/// The only nucleus that the sequence pulses or locks.
fn only_pulsed(events: &[Event]) -> Result<String, Box<Diagnostic>> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |nucleus: &str| {
        if !found.iter().any(|known| known == nucleus) {
            found.push(nucleus.to_string());
        }
    };
    fn walk(events: &[Event], add: &mut dyn FnMut(&str)) {
        for event in events {
            event.pulses().into_iter().for_each(|pulse| add(&pulse.nucleus));
            match &event.kind {
                EventKind::Lock(lock) => add(&lock.nucleus),
                EventKind::Loop { body, .. } => walk(body, add),
                _ => {}
            }
        }
    }
    walk(events, &mut add);
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Box::new(
            Diagnostic::without_place(Code::Contradiction, "the sequence has no pulses and locks, whose errors could be varied")
                .help("`evolve` is exact; sweep a parameter of its Hamiltonian instead: `ergoseq plot FILE --sweep NAME=LOW..HIGH`"),
        )),
        several => Err(Box::new(
            Diagnostic::without_place(Code::Contradiction, "the sequence has pulses on more than one channel")
                .help(format!("choose one with `--nucleus`: {}", several.join(", "))),
        )),
    }
}
