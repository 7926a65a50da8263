//! Inlay hints: durations derived from flip angles, and values of expressions.

use super::document::Document;
use crate::hamiltonian::{Evaluator, Step, Values, build, duration};
use crate::ir::EventKind;
use crate::output::scaled;
use crate::syntax::{Expr, ExprKind};
use crate::units::UnitSystem;

/// An inlay hint.
#[derive(Debug, Clone, PartialEq)]
pub struct Hint {
    /// Byte offset after which it is displayed.
    pub at: u32,
    /// Its text.
    pub text: String,
}

/// Inlay hints of a program without errors, at the default parameters.
pub fn hints(document: &Document) -> Vec<Hint> {
    let Some(compiled) = &document.compiled else { return vec![] };
    let experiment = &compiled.experiment;
    let Ok(e) = Evaluator::new(experiment, &Values::new()) else { return vec![] };
    let Ok((schedule, _)) = build(&e) else { return vec![] };
    let second = if experiment.units == UnitSystem::Lab { "s" } else { "" };
    let mut out = Vec::new();
    let mut begin = 0;
    for (event, end) in experiment.sequence.iter().zip(&schedule.event_ends) {
        let steps: &[Step] = schedule.steps.get(begin..*end).unwrap_or_default();
        begin = *end;
        let Some(span) = event.place.0.filter(|s| s.file == 0) else { continue };
        let takes = duration(steps);
        let derived = match &event.kind {
            EventKind::Pulse(p) => !p.ideal && p.duration.is_none(),
            EventKind::Delay { duration, .. } | EventKind::Evolve { duration, .. } => !written(duration),
            EventKind::Lock(l) => !written(&l.over),
            EventKind::Loop { .. }
            | EventKind::Project { .. }
            | EventKind::Acquire { .. }
            | EventKind::Parallel { .. } => true,
            _ => false,
        };
        // For a subsequence called several times, show the duration of the first call.
        let known = out.iter().any(|h: &Hint| h.at == behind(document, span.end));
        if derived && takes > 0.0 && !known {
            out.push(Hint { at: behind(document, span.end), text: scaled(takes, second) });
        }
    }
    out.sort_by_key(|h| h.at);
    out
}

/// Offset of the end of the line where a statement ends, before its comment.
fn behind(document: &Document, end: u32) -> u32 {
    let text = document.text.get(..end as usize).unwrap_or_default();
    text.trim_end().len() as u32
}

/// True if a duration is evident from the text.
fn written(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Number(_) => true,
        ExprKind::Quantity(value, _) => written(value),
        _ => false,
    }
}
