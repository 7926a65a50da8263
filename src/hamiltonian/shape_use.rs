//! How the field of a pulse follows the steps of its tabulated shape, and in which steps a spectrometer sends them.

use super::drive::{Drive, Edge, axis, strength_of_channel};
use super::hardware::Spectrometer;
use super::schedule::{ShapeSteps, ShapeUse};
use super::value::{Evaluator, Fault};
use crate::ir::Pulse;
use crate::linalg::real;
use crate::spin::Operator;
use crate::waveform::Scalar;
use std::f64::consts::FRAC_PI_2;
use std::sync::Arc;

impl Drive {
    /// Dependence of the field on the steps of its shape, for a part of the pulse from `begin` on: with peak p, phase phi and
    /// quadrature error l, `X = p (cos phi - sin phi sin l) Fx + p sin phi cos l Fy` and `Y` is X at `phi + 90 deg`. `field`: Fx and Fy
    /// of the channel.
    pub fn shape_use(
        &self,
        (begin, duration): (f64, f64),
        lean: f64,
        field: (&Operator, &Operator),
    ) -> Option<ShapeUse> {
        let shape = self.shape?;
        let count = shape.steps as f64;
        let number = |t: f64| match t * count / self.duration {
            k if (k - k.round()).abs() < 1e-6 => k.round(),
            k => k,
        };
        // A factor that varies acts like a response.
        let factor = self.factor.constant();
        let response = if factor.is_some() { self.response.clone() } else { self.response.times(&self.factor) };
        let steps = shape.peak.map(|peak| {
            let [x, y] = [self.phase, self.phase + FRAC_PI_2].map(|phase| {
                let (x, y) = axis(phase, lean);
                let along =
                    |operator: &Operator, c: f64| operator.clone().times_number(real(peak * factor.unwrap_or(1.0) * c));
                Arc::new(along(field.0, x).plus(along(field.1, y)))
            });
            let here = |of: &Scalar| of.delayed(-begin);
            let response = (response.constant() != Some(1.0)).then(|| here(&response));
            let kernel = self.kernel.as_ref();
            // The samples of a filtered waveform contain its phase.
            let turning = self.shift.as_ref().filter(|_| kernel.is_none()).map(here);
            let kernel = kernel.map(|k| k.over_steps(shape.steps, self.duration, self.shift.as_ref(), begin));
            ShapeSteps { from: number(begin), to: number(begin + duration), x, y, response, turning, kernel }
        });
        Some(ShapeUse { shape: shape.number, steps })
    }

    /// Dependence of a transient at an edge of the pulse, of duration `time`, on the first or last step of its shape.
    pub fn transient_shape_use(&self, edge: Edge, time: f64, field: (&Operator, &Operator)) -> Option<ShapeUse> {
        let t = match edge {
            Edge::Leading => 0.0,
            Edge::Trailing => self.duration,
        };
        let turned = self.shift.as_ref().map_or(0.0, |shift| shift.at(t));
        let ahead = Drive { phase: self.phase + FRAC_PI_2 + turned, ..self.clone() };
        let whole = ahead.shape_use((0.0, self.duration), 0.0, field)?;
        let steps = whole.steps.map(|steps| {
            let size = time * steps.response.as_ref().map_or(1.0, |response| response.at(t));
            let scaled = |o: Arc<Operator>| Arc::new((*o).clone().times_number(real(size)));
            let (from, to) = match edge {
                Edge::Leading => (0.0, 1.0),
                Edge::Trailing => (steps.to - 1.0, steps.to),
            };
            ShapeSteps { from, to, x: scaled(steps.x), y: scaled(steps.y), response: None, turning: None, kernel: None }
        });
        Some(ShapeUse { shape: whole.shape, steps })
    }
}

/// The steps of the amplitude, as a fraction of the peak, and of the phase, rad, in which a spectrometer sends the shape of a pulse.
///
/// # Errors
/// If the rf of the pulse or the limit of its channel cannot be evaluated.
pub fn shape_grid(e: &Evaluator, hardware: &Spectrometer, p: &Pulse) -> Result<(Option<f64>, Option<f64>), Fault> {
    let explicit = p.rf.as_ref().map(|x| e.number(x)).transpose()?;
    let rf = explicit.or(strength_of_channel(e, &p.nucleus)?).unwrap_or(0.0);
    Ok(hardware.grid(rf, super::spectrometer::max_rf(e, &p.nucleus)?))
}
