//! The envelope of a pulse: a word of the table, the steps of a file, or an expression in t.

use super::function::{Curve, Function, Scalar};
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{FunctionInfo, PulseShape};
use crate::source::Span;
use crate::syntax::{Expr, ExprKind};
use crate::units::{Dimension, TWO_PI, UnitSystem};
use std::sync::Arc;

/// An envelope of peak 1.
pub enum Envelope {
    /// The same at all times.
    Constant,
    /// Of the table, with its arguments.
    Named(&'static PulseShape, Vec<f64>),
    /// Of a file: amplitude and phase, step by step.
    Steps(Arc<[(f64, f64)]>),
    /// An expression in t.
    Expression(Scalar),
}

/// A curve that is zero where steps of equal length end.
pub fn ends_of_steps(steps: f64, duration: f64) -> Curve {
    Arc::new(move |t| (std::f64::consts::PI * steps * t / duration).sin())
}

impl Envelope {
    /// The envelope that an expression names.
    ///
    /// # Errors
    /// When there is none, or an argument is out of its range.
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
            Diagnostic::new(Code::UnknownFunction, expr.span(), format!("`{name}` is no pulse shape"))
        })?;
        let mut arguments = Vec::with_capacity(shape.arguments.len());
        for (k, argument) in shape.arguments.iter().enumerate() {
            let value = match given.get(k) {
                Some(x) => e.number(x)?,
                None => argument.default.unwrap_or(0.0),
            };
            let (low, high) = argument.range;
            if !(low..=high).contains(&value) {
                let span = given.get(k).map_or(expr.span(), Expr::span);
                let message = format!("{} lies between {low} and {high}, this is {value}", argument.meaning);
                return Err(Diagnostic::new(Code::OutOfRange, span, message).into());
            }
            // Frequencies of natural files are angular ones.
            let natural = argument.dimension == Dimension::FREQUENCY && e.scope.units == UnitSystem::Natural;
            arguments.push(if natural { value / TWO_PI } else { value });
        }
        if shape.name == "rectangular" && arguments == [0.0] {
            return Ok(Envelope::Constant);
        }
        Ok(Envelope::Named(shape, arguments))
    }

    /// Whether its frequency sweeps through resonance.
    pub fn is_swept(&self) -> bool {
        matches!(self, Envelope::Named(shape, _) if shape.swept)
    }

    /// Whether it means nothing without a duration.
    pub fn needs_duration(&self) -> bool {
        matches!(self, Envelope::Expression(_))
    }

    /// Refuses a pulse that is shorter than its flanks.
    pub fn check_duration(&self, duration: f64, span: Span) -> Result<(), Fault> {
        if let Envelope::Named(shape, arguments) = self
            && shape.name == "rectangular"
            && 2.0 * arguments[0] > duration
        {
            let message = format!("the pulse lasts {duration:e}, its two flanks of {:e} longer", arguments[0]);
            return Err(Diagnostic::new(Code::OutOfRange, span, message).label("no room for its flanks").into());
        }
        Ok(())
    }

    /// The mean of the envelope over a duration: the flip angle is 2 pi times peak rf times duration times this. Of an envelope
    /// whose phase turns, the modulus of the complex mean. Simpson's rule on 4096 intervals, exact to rounding for smooth shapes.
    pub fn mean(&self, duration: f64) -> f64 {
        const N: usize = 4096;
        let weight = |k: usize| match k {
            0 | N => 1.0,
            k if k % 2 == 1 => 4.0,
            _ => 2.0,
        };
        let simpson = |at: &dyn Fn(f64) -> (f64, f64)| {
            let mut sum = (0.0, 0.0);
            for k in 0..=N {
                let (amplitude, phase) = at(k as f64 / N as f64);
                sum.0 += weight(k) * amplitude * phase.cos();
                sum.1 += weight(k) * amplitude * phase.sin();
            }
            let mean = (sum.0 / (3.0 * N as f64), sum.1 / (3.0 * N as f64));
            if mean.1.abs() < 1e-15 { mean.0 } else { mean.0.hypot(mean.1) }
        };
        match self {
            Envelope::Constant => 1.0,
            // Its corners are no place for a rule of smooth curves.
            Envelope::Named(shape, arguments) if shape.name == "rectangular" => 1.0 - arguments[0] / duration,
            Envelope::Named(shape, arguments) => simpson(&|u| (shape.value)(u, arguments, duration)),
            Envelope::Expression(curve) => simpson(&|u| (curve.at(u * duration), 0.0)),
            Envelope::Steps(steps) => {
                let n = steps.len() as f64;
                let re: f64 = steps.iter().map(|(a, p)| a * p.cos()).sum();
                let im: f64 = steps.iter().map(|(a, p)| a * p.sin()).sum();
                if im.abs() < 1e-12 * re.abs() { re / n } else { re.hypot(im) / n }
            }
        }
    }

    /// Amplitude, and angles that are added to the phase, over a pulse of a duration.
    pub fn over(&self, duration: f64) -> (Scalar, Vec<Scalar>) {
        match self {
            Envelope::Constant => (Scalar::Constant(1.0), vec![]),
            Envelope::Expression(curve) => (curve.clone(), vec![]),
            Envelope::Named(shape, arguments) => {
                let value = shape.value;
                let (own, others) = (arguments.clone(), arguments.clone());
                let share = move |t: f64| (t / duration).clamp(0.0, 1.0);
                let mut amplitude = Function::smooth(move |t| value(share(t), &own, duration).0);
                if shape.name == "rectangular" {
                    // The ends of its flanks.
                    let flank = arguments[0];
                    amplitude.edges.push(Arc::new(move |t| t - flank));
                    amplitude.edges.push(Arc::new(move |t| t - (duration - flank)));
                }
                let turning = Function::smooth(move |t| value(share(t), &others, duration).1);
                let turning = if shape.swept { vec![Scalar::Varying(turning)] } else { vec![] };
                (Scalar::Varying(amplitude), turning)
            }
            Envelope::Steps(steps) => {
                let n = steps.len();
                let number = move |t: f64| ((t / duration * n as f64) as usize).min(n - 1);
                let (own, others) = (steps.clone(), steps.clone());
                let jumping = |curve: Arc<dyn Fn(f64) -> f64 + Send + Sync>| {
                    Scalar::Varying(Function { curve, edges: vec![ends_of_steps(n as f64, duration)] })
                };
                let turning = steps.iter().any(|(_, phase)| *phase != 0.0);
                (
                    jumping(Arc::new(move |t| own[number(t)].0)),
                    if turning { vec![jumping(Arc::new(move |t| others[number(t)].1))] } else { vec![] },
                )
            }
        }
    }
}
