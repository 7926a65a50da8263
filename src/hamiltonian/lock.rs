//! Spin locks, with a constant or ramped rf amplitude.

use super::drive::{Drive, angular, check_limit, duration_of};
use super::envelope::step_number;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Lock, Ramp};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::waveform::Scalar;

/// A spin lock as numbers.
pub fn lock(e: &Evaluator, l: &Lock, span: Span) -> Result<Drive, Fault> {
    let (from, to) = (e.number(&l.from)?, e.number(&l.to)?);
    for (field, expr) in [(from, &l.from), (to, &l.to)] {
        if field < 0.0 {
            return Err(Diagnostic::new(
                Code::OutOfRange,
                expr.span(),
                format!("a lock field cannot be negative, this is {field}"),
            )
            .help("shift the phase by 180 deg instead")
            .into());
        }
        check_limit(e, &l.nucleus, field, expr.span())?;
    }
    let length = duration_of(e, &l.over)?;
    let phase = e.phase(&l.phase)?;
    let (name, argument) = match l.shape.as_ref().map(|x| &x.kind) {
        Some(ExprKind::Name(name)) => (name.as_str(), None),
        Some(ExprKind::Call(name, items)) => (name.as_str(), items.first()),
        _ => ("linear", None),
    };
    let ramp = Ramp::named(name)
        .ok_or_else(|| Diagnostic::new(Code::UnknownFunction, span, format!("unknown ramp `{name}`")))?;
    let argument_value = argument.map(|x| e.number(x)).transpose()?.unwrap_or(0.0);
    if ramp.argument.is_some() && argument_value <= 0.0 {
        let place = argument.map_or(span, Expr::span);
        return Err(Diagnostic::new(
            Code::OutOfRange,
            place,
            format!("{} must be positive", ramp.argument.unwrap_or_default()),
        )
        .into());
    }
    let scale = angular(e);
    let field = |share: &Scalar| (ramp.waveform)(share, from, to, argument_value).scaled(scale);
    let amplitude = match &l.steps {
        _ if from == to => Scalar::Constant(from * scale),
        None => field(&Scalar::time().scaled(1.0 / length)),
        Some(steps) => {
            // The amplitude at the middle of each step.
            let n = e.count(steps, 1)?;
            let along = field(&Scalar::time());
            let table = (0..n).map(|k| along.at((k as f64 + 0.5) / n as f64)).collect();
            step_number(n, length).looked_up(&table)
        }
    };
    Ok(Drive::plain(length, phase, amplitude))
}
