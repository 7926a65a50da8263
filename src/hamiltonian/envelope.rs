//! The envelope of a pulse: a named shape, the steps of a tabulated shape, or an expression in t.

use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{FunctionInfo, PulseShape, ShapeValues};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::units::{Dimension, TWO_PI, UnitSystem};
use crate::waveform::{Function, Scalar, Unresolved, integrals};
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

/// An envelope with peak 1.
pub enum Envelope {
    /// Constant.
    Constant,
    /// A named shape with its arguments.
    Named(&'static PulseShape, ShapeValues),
    /// A tabulated shape: amplitude and phase of each step.
    Steps(Arc<[(f64, f64)]>),
    /// An expression in t.
    Expression(Scalar),
}

/// Index (from zero) of the step that contains a time, as a function of time before rounding down.
pub fn step_number(steps: usize, duration: f64) -> Scalar {
    Scalar::time().scaled(steps as f64 / duration)
}

impl Envelope {
    /// The envelope described by an expression.
    ///
    /// # Errors
    /// If there is none, or an argument is out of range.
    pub fn of(e: &Evaluator, expr: Option<&Expr>) -> Result<Envelope, Fault> {
        let Some(expr) = expr else { return Ok(Envelope::Constant) };
        let (name, given) = match &expr.kind {
            ExprKind::Name(name) => (name.as_str(), &[][..]),
            ExprKind::Call(name, items) if FunctionInfo::named(name).is_none() => (name.as_str(), items.as_slice()),
            _ => return Ok(Envelope::Expression(e.curve(expr)?)),
        };
        if let Some(table) = e.experiment.shapes.iter().find(|s| s.name == name) {
            return Ok(Envelope::Steps(table.steps.clone().into()));
        }
        let shape = PulseShape::named(name).ok_or_else(|| {
            Diagnostic::new(Code::UnknownFunction, expr.span(), format!("unknown pulse shape `{name}`"))
        })?;
        let mut arguments = ShapeValues::default();
        for (k, (argument, slot)) in shape.arguments.iter().zip(&mut arguments).enumerate() {
            let value = match given.get(k) {
                Some(x) => e.number(x)?,
                None => argument.default.unwrap_or(0.0),
            };
            let (low, high) = argument.range;
            if let Some(written) = given.get(k)
                && !(low..=high).contains(&value)
            {
                let span = written.span();
                let message = format!("{} must lie between {low} and {high}, this is {value}", argument.meaning);
                return Err(Diagnostic::new(Code::OutOfRange, span, message).into());
            }
            // Frequencies in natural files are angular frequencies.
            let natural = argument.dimension == Dimension::FREQUENCY && e.scope.units == UnitSystem::Natural;
            *slot = if natural { value / TWO_PI } else { value };
        }
        if shape.name == "rectangular" && arguments == ShapeValues::default() {
            return Ok(Envelope::Constant);
        }
        Ok(Envelope::Named(shape, arguments))
    }

    /// The envelope of a gradient.
    ///
    /// # Errors
    /// If there is none, an argument is out of range, or it is a train of pulses.
    pub fn of_gradient(e: &Evaluator, expr: Option<&Expr>) -> Result<Envelope, Fault> {
        let envelope = Envelope::of(e, expr)?;
        match (expr, &envelope) {
            (Some(expr), Envelope::Named(shape, _)) if shape.train => {
                let message = format!("`{}` is a train of pulses, which a gradient cannot follow", shape.name);
                Err(Diagnostic::new(Code::WrongKind, expr.span(), message).help("for example `shape = sine`").into())
            }
            _ => Ok(envelope),
        }
    }

    /// The envelope for this peak, rad/s: a train of pulses follows from it the length of its 90 deg pulse, if that is not given.
    pub fn at_peak(self, peak: f64) -> Envelope {
        match self {
            Envelope::Named(shape, arguments) => {
                Envelope::Named(shape, shape.with_quarter(arguments, FRAC_PI_2 / peak))
            }
            other => other,
        }
    }

    /// True if its frequency sweeps through resonance.
    pub fn is_swept(&self) -> bool {
        matches!(self, Envelope::Named(shape, _) if shape.swept)
    }

    /// True if it is a train of pulses, which may be repeated for any time.
    pub fn is_train(&self) -> bool {
        matches!(self, Envelope::Named(shape, _) if shape.train)
    }

    /// True if it is defined only with a duration.
    pub fn needs_duration(&self) -> bool {
        matches!(self, Envelope::Expression(_))
    }

    /// Rejects a pulse shorter than its rise and fall times.
    pub fn check_duration(&self, duration: f64, span: Span) -> Result<(), Fault> {
        if let Envelope::Named(shape, [rise, ..]) = self
            && shape.name == "rectangular"
            && 2.0 * rise > duration
        {
            let message = format!("the pulse lasts {duration:e}, less than its rise and fall times of {rise:e} each");
            return Err(Diagnostic::new(Code::OutOfRange, span, message)
                .label("too short for its rise and fall")
                .into());
        }
        Ok(())
    }

    /// Mean of the envelope over a duration: the flip angle is 2 pi times peak rf times duration times this. If the phase varies, the
    /// modulus of the complex mean.
    ///
    /// # Errors
    /// If an expression cannot be bounded.
    pub fn mean(&self, duration: f64) -> Result<f64, Unresolved> {
        let (amplitude, phase) = self.over(duration);
        let Some(phase) = phase else {
            let [mean] = integrals([&amplitude], duration)?;
            return Ok(mean);
        };
        let [x, y] = [Function::Cos, Function::Sin].map(|f| amplitude.times(&phase.apply(f)));
        let [x, y] = integrals([&x, &y], duration)?;
        Ok(if y.abs() < 1e-12 * x.abs() { x } else { x.hypot(y) })
    }

    /// Amplitude and additional phase as functions of time, for a pulse of this duration.
    pub fn over(&self, duration: f64) -> (Scalar, Option<Scalar>) {
        let changing = |phase: Scalar| (phase.constant() != Some(0.0)).then_some(phase);
        match self {
            Envelope::Constant => (Scalar::Constant(1.0), None),
            Envelope::Expression(curve) => (curve.clone(), None),
            Envelope::Named(shape, arguments) => {
                let share = Scalar::time().scaled(1.0 / duration);
                let (amplitude, phase) = (shape.waveform)(&share, *arguments, duration);
                (amplitude, changing(phase))
            }
            Envelope::Steps(steps) => {
                let number = step_number(steps.len(), duration);
                let table = |part: fn(&(f64, f64)) -> f64| number.looked_up(&steps.iter().map(part).collect());
                (table(|s| s.0), changing(table(|s| s.1)))
            }
        }
    }
}
