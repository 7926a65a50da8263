//! How the crystal lies in the field, and what the field sees of a tensor.
//!
//! A traceless symmetric tensor T of the crystal acts, to first order, by its component along the field,
//! `n . R T R^T . n`, where R turns the crystal into the frame of the field (or of the rotor) and n is the field there. At rest
//! `n = z`. In a rotor that turns by `w t` about an axis at the angle `theta` to the field, seen from the rotor,
//! `n(t) = (-sin theta cos wt, sin theta sin wt, cos theta)`, and the component is
//! `c0 + c1 cos wt + s1 sin wt + c2 cos 2wt + s2 sin 2wt`; c0 vanishes at the magic angle where the tensor is traceless. To second
//! order it also acts by the square of this component, which has harmonics up to the fourth.
//!
//! Euler angles are z-y-z: `R(a, b, c) = Rz(a) Ry(b) Rz(c)`.

use super::value::{Evaluator, Fault, Variation};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Distribution;
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{Basis, Operator};
use crate::syntax::Expr;
use crate::units::{Dimension, hamiltonian_factor};
use crate::waveform::{Function, Scalar};
use std::sync::Arc;

/// A matrix of three rows.
pub type Matrix3 = [[f64; 3]; 3];

/// `Rz(a) Ry(b) Rz(c)`.
pub fn rotation([a, b, c]: [f64; 3]) -> Matrix3 {
    let ((sa, ca), (sb, cb), (sc, cc)) = (a.sin_cos(), b.sin_cos(), c.sin_cos());
    [
        [ca * cb * cc - sa * sc, -ca * cb * sc - sa * cc, ca * sb],
        [sa * cb * cc + ca * sc, -sa * cb * sc + ca * cc, sa * sb],
        [-sb * cc, sb * sc, cb],
    ]
}

/// `a b`.
pub fn product(a: &Matrix3, b: &Matrix3) -> Matrix3 {
    let columns = transposed(b);
    a.map(|row| columns.map(|column| row.iter().zip(column).map(|(x, y)| x * y).sum()))
}

fn transposed([[a, b, c], [d, e, f], [g, h, i]]: &Matrix3) -> Matrix3 {
    [[*a, *d, *g], [*b, *e, *h], [*c, *f, *i]]
}

/// `R T R^T`.
fn turned(r: &Matrix3, t: &Matrix3) -> Matrix3 {
    product(&product(r, t), &transposed(r))
}

/// `size (3 u u^T - 1)/2` for the unit vector along `u`.
pub fn axial(size: f64, u: [f64; 3]) -> Matrix3 {
    let square: f64 = u.iter().map(|x| x * x).sum();
    let mut tensor = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for (row, a) in tensor.iter_mut().zip(u) {
        row.iter_mut().zip(u).for_each(|(one, b)| *one = 0.5 * size * (3.0 * a * b / square - *one));
    }
    tensor
}

/// The harmonics of the rotor: constant, then cos kwt and sin kwt for k = 1 to 4.
pub type Harmonics = [f64; 9];

/// Harmonics that are constant.
pub fn constant(x: f64) -> Harmonics {
    let mut all = [0.0; 9];
    all[0] = x;
    all
}

/// `n . T . n` squared, from the harmonics of `n . T . n` up to the second.
pub fn squared([c0, c1, s1, c2, s2, ..]: Harmonics) -> Harmonics {
    [
        c0 * c0 + 0.5 * (c1 * c1 + s1 * s1 + c2 * c2 + s2 * s2),
        2.0 * c0 * c1 + c1 * c2 + s1 * s2,
        2.0 * c0 * s1 + c1 * s2 - s1 * c2,
        2.0 * c0 * c2 + 0.5 * (c1 * c1 - s1 * s1),
        2.0 * c0 * s2 + c1 * s1,
        c1 * c2 - s1 * s2,
        c1 * s2 + s1 * c2,
        0.5 * (c2 * c2 - s2 * s2),
        c2 * s2,
    ]
}

/// The sample in the field.
pub struct Frame {
    rotation: Matrix3,
    /// Angular frequency and angle of the rotor.
    rotor: Option<(f64, f64)>,
}

impl Frame {
    /// The frame of this member of the ensemble.
    ///
    /// # Errors
    /// When an angle is not finite, or the rate of the rotor is zero.
    pub fn of(e: &Evaluator) -> Result<Frame, Fault> {
        let system = &e.experiment.system;
        let crystal = match &system.orientation {
            Some(angles) => rotation(e.vector(angles, None)?),
            None => rotation([0.0; 3]),
        };
        let rotation = match e.variation.orientation {
            Some(powder) => product(&rotation(powder), &crystal),
            None => crystal,
        };
        let rotor = match &system.spinning {
            Some(spinning) => {
                let rate = e.number(&spinning.rate)?;
                if rate == 0.0 {
                    let message =
                        "a rotor has a rate other than zero; a negative one turns it the other way".to_string();
                    return Err(Diagnostic::new(Code::OutOfRange, spinning.rate.span(), message)
                        .help("leave `spinning` out for a sample at rest")
                        .into());
                }
                let factor = hamiltonian_factor(Dimension::FREQUENCY, e.scope.units).unwrap_or(1.0);
                let magic = (1.0 / 3f64.sqrt()).acos();
                let angle = spinning.angle.as_ref().map_or(Ok(magic), |a| e.number(a))?;
                Some((rate * factor, angle))
            }
            None => None,
        };
        Ok(Frame { rotation, rotor })
    }

    /// The direction of the field in the crystal of a crystallite, whose orientation is given beside that of the system.
    pub fn field_in_crystal(&self, crystallite: Option<[f64; 3]>) -> [f64; 3] {
        let [first, second, third] = self.rotation;
        let Some(angles) = crystallite else { return third };
        let [_, _, [x, y, z]] = rotation(angles);
        let of = |a: f64, b: f64, c: f64| x * a + y * b + z * c;
        let ([a, b, c], [d, e, f], [g, h, i]) = (first, second, third);
        [of(a, d, g), of(b, e, h), of(c, f, i)]
    }

    /// `n . T . n` of a tensor of the crystal, n being the direction of the field.
    pub fn along_field(&self, tensor: &Matrix3) -> Harmonics {
        let t = turned(&self.rotation, tensor);
        let Some((_, angle)) = self.rotor else { return self::constant(t[2][2]) };
        let (s, c) = angle.sin_cos();
        // At the magic angle the constant is a third of the trace; where that is zero, its rounding is not.
        let constant = 0.5 * s * s * (t[0][0] + t[1][1]) + c * c * t[2][2];
        let scale = tensor.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()));
        [
            if constant.abs() < 1e-14 * scale { 0.0 } else { constant },
            -2.0 * s * c * t[0][2],
            2.0 * s * c * t[1][2],
            0.5 * s * s * (t[0][0] - t[1][1]),
            -s * s * t[0][1],
            0.0,
            0.0,
            0.0,
            0.0,
        ]
    }

    /// The angular frequency of the rotor, negative where it turns the other way.
    pub fn rate(&self) -> Option<f64> {
        self.rotor.map(|(rate, _)| rate)
    }
}

/// The directions of the field in the crystals of some members of an ensemble.
///
/// # Errors
/// When the orientation of the system cannot be evaluated.
pub fn field_directions<'a>(
    e: &Evaluator,
    members: impl Iterator<Item = &'a Variation>,
) -> Result<Vec<[f64; 3]>, Fault> {
    let frame = Frame::of(e)?;
    Ok(members.map(|member| frame.field_in_crystal(member.orientation)).collect())
}

/// Whether anything turns the sample away from the field along z.
pub fn is_turned(e: &Evaluator) -> bool {
    let system = &e.experiment.system;
    let powder = e.experiment.ensemble.iter().any(Distribution::is_powder);
    system.orientation.is_some() || system.spinning.is_some() || powder
}

/// `T T`.
pub fn square(t: &Matrix3) -> Matrix3 {
    product(t, t)
}

/// The traceless tensor of largest component `size` along its z, and asymmetry eta, in the crystal: `diag(-(1 + eta)/2,
/// -(1 - eta)/2, 1)` turned by its Euler angles.
///
/// # Errors
/// When eta is not between 0 and 1.
pub fn tensor(
    e: &Evaluator,
    size: f64,
    eta: Option<&Expr>,
    axes: Option<&Expr>,
    index: Option<(&str, f64)>,
) -> Result<Matrix3, Fault> {
    let asymmetry = eta.map_or(Ok(0.0), |x| e.number_at(x, index))?;
    if !(0.0..=1.0).contains(&asymmetry) {
        let span = eta.map(Expr::span).unwrap_or_default();
        return Err(Diagnostic::new(Code::OutOfRange, span, format!("eta lies between 0 and 1, this is {asymmetry}"))
            .help("with the axes in another order it does")
            .into());
    }
    let own =
        [[-0.5 * size * (1.0 + asymmetry), 0.0, 0.0], [0.0, -0.5 * size * (1.0 - asymmetry), 0.0], [0.0, 0.0, size]];
    Ok(match axes {
        Some(axes) => turned(&rotation(e.vector(axes, index)?), &own),
        None => own,
    })
}

/// A Hamiltonian in the frame of the field: one operator a harmonic of the rotor, rad/s.
#[derive(Debug, Clone)]
pub struct Internal {
    /// What does not change.
    pub constant: Operator,
    /// Of cos kwt and sin kwt, for k = 1 to 4.
    pub harmonics: [Operator; 8],
    /// w, rad/s; 0 at rest, negative in a rotor that turns the other way.
    pub rate: f64,
}

impl Internal {
    /// Nothing.
    pub fn nothing(basis: &Basis, frame: &Frame) -> Internal {
        let zero = || Operator::zero(basis);
        Internal { constant: zero(), harmonics: std::array::from_fn(|_| zero()), rate: frame.rate().unwrap_or(0.0) }
    }

    /// Adds an operator with its coefficients.
    pub fn add(&mut self, coefficients: Harmonics, operator: &Operator) {
        let [constant, rest @ ..] = coefficients;
        let sum = |to: &mut Operator, c: f64| {
            if c != 0.0 {
                let before = std::mem::replace(to, Operator::zero_like(operator));
                *to = before.plus(operator.clone().times_number(real(c)));
            }
        };
        sum(&mut self.constant, constant);
        self.harmonics.iter_mut().zip(rest).for_each(|(to, c)| sum(to, c));
    }

    /// Adds another.
    pub fn plus(mut self, other: Internal) -> Internal {
        self.constant = self.constant.plus(other.constant);
        for (mine, theirs) in self.harmonics.iter_mut().zip(other.harmonics) {
            let before = std::mem::replace(mine, Operator::zero_like(&theirs));
            *mine = before.plus(theirs);
        }
        self
    }

    /// Whether it changes as the rotor turns.
    pub fn changes(&self) -> bool {
        self.harmonics.iter().any(|h| !h.is_zero())
    }

    /// The operator, when it does not change.
    ///
    /// # Errors
    /// When it does.
    pub fn at_rest(self, name: &str, span: Span) -> Result<Operator, Fault> {
        if self.changes() {
            return Err(Diagnostic::new(
                Code::Contradiction,
                span,
                format!("`{name}` changes while the sample spins, so it is no one operator"),
            )
            .label("turns with the rotor")
            .help("delays and pulses take it as it turns; write the part that is meant by its operators")
            .into());
        }
        Ok(self.constant)
    }
}

/// The terms of an internal Hamiltonian, shared by all statements: time counts from `prepare`.
#[derive(Clone)]
pub struct Terms {
    constant: Arc<Operator>,
    harmonics: Vec<(usize, Arc<Operator>)>,
    rate: f64,
    /// What differs among the members of an ensemble.
    varying: Vec<(Scalar, Arc<Operator>)>,
}

impl Terms {
    /// From the Hamiltonian.
    pub fn of(internal: Internal) -> Terms {
        let harmonics = internal.harmonics.into_iter().enumerate().filter(|(_, o)| !o.is_zero());
        Terms {
            constant: Arc::new(internal.constant),
            harmonics: harmonics.map(|(k, o)| (k, Arc::new(o))).collect(),
            rate: internal.rate,
            varying: vec![],
        }
    }

    /// The same and terms whose coefficients are variables.
    pub fn with(mut self, varying: Vec<(Scalar, Operator)>) -> Terms {
        self.varying = varying.into_iter().map(|(c, o)| (c, Arc::new(o))).collect();
        self
    }

    /// Coefficients and operators of a statement that begins at a time.
    pub fn from(&self, start: f64) -> Vec<(Scalar, Arc<Operator>)> {
        let mut terms = vec![(Scalar::Constant(1.0), self.constant.clone())];
        let rate = self.rate;
        for (k, operator) in &self.harmonics {
            let (twice, sine) = ((k / 2 + 1) as f64, k % 2 == 1);
            // The angle counts from `prepare`.
            let angle = Scalar::time().scaled(twice * rate).delayed(-start);
            let harmonic = angle.apply(if sine { Function::Sin } else { Function::Cos });
            terms.push((harmonic, operator.clone()));
        }
        terms.extend(self.varying.iter().cloned());
        terms
    }

    /// The time of a turn of the rotor; `None` where nothing changes.
    pub fn period(&self) -> Option<f64> {
        (!self.harmonics.is_empty()).then(|| crate::units::TWO_PI / self.rate.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turning_field_sees_what_a_turned_sample_shows() {
        let frame = Frame { rotation: rotation([0.3, 0.7, 1.9]), rotor: Some((1.0, 0.9)) };
        let t = turned(&rotation([0.2, 1.1, 0.4]), &[[-0.7, 0.0, 0.0], [0.0, -0.3, 0.0], [0.0, 0.0, 1.0]]);
        let h = frame.along_field(&t);
        for time in [0.0, 0.4, 2.0, 5.5] {
            // The sample turned about the rotor's axis by the time, then tilted by the angle into the laboratory.
            let r = product(&product(&rotation([0.0, 0.9, 0.0]), &rotation([time, 0.0, 0.0])), &frame.rotation);
            let direct = turned(&r, &t)[2][2];
            let (s, c) = f64::sin_cos(time);
            let (s2, c2) = f64::sin_cos(2.0 * time);
            let series = h[0] + h[1] * c + h[2] * s + h[3] * c2 + h[4] * s2;
            assert!((direct - series).abs() < 1e-14, "{direct} {series}");
            let square = squared(h);
            let fourth = (1..=4).fold(square[0], |sum, k| {
                let (s, c) = f64::sin_cos(k as f64 * time);
                sum + square[2 * k - 1] * c + square[2 * k] * s
            });
            assert!((direct * direct - fourth).abs() < 1e-14, "{} {fourth}", direct * direct);
        }
    }
}
