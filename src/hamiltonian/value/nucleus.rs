//! Functions of a nucleus: the length of a pulse, the Larmor frequency.

use super::{Evaluator, Fault, Local};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::drive::{angular, strength_of_channel};
use crate::hamiltonian::interactions::zeeman;
use crate::ir::{LARMOR, LENGTH};
use crate::source::Span;
use crate::spin::Isotope;
use crate::syntax::{Expr, ExprKind};
use crate::units::TWO_PI;

impl Evaluator<'_> {
    /// `larmor(1H)`: `|gamma| B0 / 2 pi`, Hz, without shifts.
    ///
    /// # Errors
    /// If no field is declared.
    pub(super) fn larmor(&self, items: &[Expr], span: Span) -> Result<f64, Fault> {
        let [Expr { kind: ExprKind::Isotope(symbol), .. }] = items else {
            return Err(Diagnostic::new(Code::WrongArguments, span, format!("`{LARMOR}` takes a nucleus")).into());
        };
        let isotope = Isotope::named(symbol).ok_or_else(|| {
            let message = format!("unknown isotope `{symbol}`");
            Box::new(Diagnostic::new(Code::UnknownIsotope, span, message))
        })?;
        let field = zeeman::field(self)?.ok_or_else(|| zeeman::missing_field("a Larmor frequency", span))?;
        Ok(isotope.gamma.abs() * field.abs() / TWO_PI)
    }

    /// `length(1H, angle, rf)`: how long a rectangular pulse takes, `|angle| / (2 pi rf)`, in natural units `|angle| / rf`. Without an rf it
    /// is that of the channel.
    ///
    /// # Errors
    /// If the channel has no rf, or it is not positive.
    pub(super) fn length(&self, items: &[Expr], span: Span, locals: &[Local]) -> Result<f64, Fault> {
        let [Expr { kind: ExprKind::Isotope(nucleus), .. }, angle, rest @ ..] = items else {
            let message = format!("`{LENGTH}` takes a nucleus and a flip angle");
            return Err(Diagnostic::new(Code::WrongArguments, span, message).into());
        };
        let given = rest.first().map(|rf| self.number_with(rf, locals)).transpose()?;
        let Some(rf) = given.map_or_else(|| strength_of_channel(self, nucleus), |rf| Ok(Some(rf)))? else {
            let message = format!("the length of a pulse follows from its rf, and the channel {nucleus} has none");
            return Err(Diagnostic::new(Code::MissingDeclaration, span, message)
                .label("no rf here")
                .help(format!("`channel {nucleus} {{ rf = 50 kHz }}`, or `{LENGTH}({nucleus}, 90 deg, 50 kHz)`"))
                .into());
        };
        if rf <= 0.0 {
            return Err(Diagnostic::new(Code::OutOfRange, span, format!("rf must be positive, this is {rf}")).into());
        }
        Ok(self.number_with(angle, locals)?.abs() / (angular(self) * rf))
    }
}
