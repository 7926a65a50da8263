//! The orientation of the crystal in the field, and the effective component of a tensor.
//!
//! A traceless symmetric tensor T of the crystal acts, to first order, through its component along the field, `n . R T R^T . n`, where
//! R rotates the crystal into the frame of the field (or of the rotor) and n is the field direction there. In a static sample `n = z`.
//! Under MAS, with rotor angle `w t` about an axis at the angle `theta` to the field, in the rotor frame
//! `n(t) = (-sin theta cos wt, sin theta sin wt, cos theta)`, and the component is
//! `c0 + c1 cos wt + s1 sin wt + c2 cos 2wt + s2 sin 2wt`; c0 vanishes at the magic angle for a traceless tensor. To second order it
//! also acts through the square of this component, which has harmonics up to the fourth.
//!
//! Euler angles are z-y-z: `R(a, b, c) = Rz(a) Ry(b) Rz(c)`.

use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::Distribution;
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{Basis, Operator};
use crate::syntax::Expr;
use crate::units::angular_factor;
use crate::waveform::{Function, Scalar};
use std::sync::Arc;

/// A 3 x 3 matrix, by rows.
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

/// Rotor harmonics: constant, then cos kwt and sin kwt for k = 1 to 4.
pub type Harmonics = [f64; 9];

/// A constant as harmonics.
pub fn constant(x: f64) -> Harmonics {
    let mut all = [0.0; 9];
    all[0] = x;
    all
}

/// Square of `n . T . n`, from its harmonics up to the second.
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

/// Product of two components, each with harmonics up to the second: `x y = ((x + y)^2 - x^2 - y^2)/2`, for each harmonic.
pub fn multiplied(x: Harmonics, y: Harmonics) -> Harmonics {
    let sum: Harmonics = std::array::from_fn(|k| x.get(k).unwrap_or(&0.0) + y.get(k).unwrap_or(&0.0));
    let (whole, x, y) = (squared(sum), squared(x), squared(y));
    let half = |k: usize| Some(0.5 * (whole.get(k)? - x.get(k)? - y.get(k)?));
    std::array::from_fn(|k| half(k).unwrap_or(0.0))
}

/// `sqrt(1 + h) - 1`: exact for a constant, else to second order in the deviation of h from `mean`.
pub fn stretched(h: Harmonics, mean: f64) -> Harmonics {
    let [constant, rest @ ..] = h;
    if rest.iter().all(|x| *x == 0.0) {
        return self::constant(constant / ((1.0 + constant).sqrt() + 1.0));
    }
    let middle = 1.0 + mean;
    let mut relative = h.map(|x| x / middle);
    if let Some(first) = relative.first_mut() {
        *first = (constant - mean) / middle;
    }
    let square = squared(relative);
    let mut out: Harmonics = std::array::from_fn(|k| {
        let (x, y) = (relative.get(k).unwrap_or(&0.0), square.get(k).unwrap_or(&0.0));
        middle.sqrt() * (0.5 * x - 0.125 * y)
    });
    if let Some(first) = out.first_mut() {
        *first += mean / (middle.sqrt() + 1.0);
    }
    out
}

/// Orientation and rotation of the sample in the field.
pub struct Frame {
    rotation: Matrix3,
    /// Angular frequency of the rotor, rad/s, and angle of its axis to the field, rad.
    rotor: Option<(f64, f64)>,
}

impl Frame {
    /// The frame of this ensemble member.
    ///
    /// # Errors
    /// If an angle is not finite, or the MAS rate is zero.
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
                        "the MAS rate must be nonzero; a negative rate reverses the sense of rotation".to_string();
                    return Err(Diagnostic::new(Code::OutOfRange, spinning.rate.span(), message)
                        .help("leave `spinning` out for a static sample")
                        .into());
                }
                let factor = angular_factor(e.scope.units);
                let magic = (1.0 / 3f64.sqrt()).acos();
                let angle = spinning.angle.as_ref().map_or(Ok(magic), |a| e.number(a))?;
                Some((rate * factor, angle))
            }
            None => None,
        };
        Ok(Frame { rotation, rotor })
    }

    /// Field direction in the crystal frame of a crystallite, whose orientation is applied in addition to that of the system.
    pub fn field_in_crystal(&self, crystallite: Option<[f64; 3]>) -> [f64; 3] {
        let [first, second, third] = self.rotation;
        let Some(angles) = crystallite else { return third };
        let [_, _, [x, y, z]] = rotation(angles);
        let of = |a: f64, b: f64, c: f64| x * a + y * b + z * c;
        let ([a, b, c], [d, e, f], [g, h, i]) = (first, second, third);
        [of(a, d, g), of(b, e, h), of(c, f, i)]
    }

    /// `n . T . n` of a tensor in the crystal frame, with n the direction of the field.
    pub fn along_field(&self, tensor: &Matrix3) -> Harmonics {
        let t = turned(&self.rotation, tensor);
        let Some((_, angle)) = self.rotor else { return self::constant(t[2][2]) };
        let (s, c) = angle.sin_cos();
        // At the magic angle the constant is a third of the trace; remove the rounding error if the trace is zero.
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

    /// `x_i . T . x_j` of a tensor in the crystal frame, with x the axes of the laboratory frame, of which the third is the field.
    pub fn component(&self, [i, j]: [usize; 2], tensor: &Matrix3) -> Harmonics {
        let t = turned(&self.rotation, tensor);
        let at = |m: &Matrix3, i: usize, j: usize| m.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0);
        let Some((_, angle)) = self.rotor else { return self::constant(at(&t, i, j)) };
        // Row k of Ry(theta) Rz(wt): its parts that are constant, and that go as cos wt and sin wt.
        let tilt = rotation([0.0, angle, 0.0]);
        let row = |k: usize| {
            let (x, y, z) = (at(&tilt, k, 0), at(&tilt, k, 1), at(&tilt, k, 2));
            ([0.0, 0.0, z], [x, y, 0.0], [y, -x, 0.0])
        };
        let q = |u: [f64; 3], v: [f64; 3]| -> f64 {
            let image = t.map(|row| row.iter().zip(v).map(|(a, b)| a * b).sum::<f64>());
            u.iter().zip(image).map(|(a, b)| a * b).sum()
        };
        let ((u0, uc, us), (v0, vc, vs)) = (row(i), row(j));
        [
            q(u0, v0) + 0.5 * (q(uc, vc) + q(us, vs)),
            q(u0, vc) + q(uc, v0),
            q(u0, vs) + q(us, v0),
            0.5 * (q(uc, vc) - q(us, vs)),
            0.5 * (q(uc, vs) + q(us, vc)),
            0.0,
            0.0,
            0.0,
            0.0,
        ]
    }

    /// Angular frequency of the rotor, rad/s, negative for the opposite sense of rotation; `None` for a static sample.
    pub fn rate(&self) -> Option<f64> {
        self.rotor.map(|(rate, _)| rate)
    }
}

/// True if the orientation of the sample matters: one is given, it spins, or it is a powder.
pub fn is_turned(e: &Evaluator) -> bool {
    let system = &e.experiment.system;
    let powder = e.experiment.ensemble.iter().any(Distribution::is_powder);
    system.orientation.is_some() || system.spinning.is_some() || powder
}

/// `T T`.
pub fn square(t: &Matrix3) -> Matrix3 {
    product(t, t)
}

/// The traceless tensor with largest component `size` along its z axis, and asymmetry eta, in the crystal frame: `size diag(-(1 + eta)/2,
/// -(1 - eta)/2, 1)` rotated by its Euler angles.
///
/// # Errors
/// If eta is not between 0 and 1.
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
        return Err(Diagnostic::new(
            Code::OutOfRange,
            span,
            format!("eta must lie between 0 and 1, this is {asymmetry}"),
        )
        .help("relabel the principal axes")
        .into());
    }
    let own =
        [[-0.5 * size * (1.0 + asymmetry), 0.0, 0.0], [0.0, -0.5 * size * (1.0 - asymmetry), 0.0], [0.0, 0.0, size]];
    Ok(match axes {
        Some(axes) => turned(&rotation(e.vector(axes, index)?), &own),
        None => own,
    })
}

/// The symmetric tensor with these principal values, along axes given by Euler angles in the crystal frame.
///
/// # Errors
/// If an angle is not finite.
pub fn with_principal_values(
    e: &Evaluator,
    [x, y, z]: [f64; 3],
    axes: Option<&Expr>,
    index: Option<(&str, f64)>,
) -> Result<Matrix3, Fault> {
    let own = [[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]];
    Ok(match axes {
        Some(axes) => turned(&rotation(e.vector(axes, index)?), &own),
        None => own,
    })
}

/// A Hamiltonian in the frame of the field: one operator per rotor harmonic, rad/s.
#[derive(Debug, Clone)]
pub struct Internal {
    /// The time-independent part.
    pub constant: Operator,
    /// Coefficients of cos kwt and sin kwt, for k = 1 to 4.
    pub harmonics: [Operator; 8],
    /// w, rad/s; 0 for a static sample, negative for the opposite sense of rotation.
    pub rate: f64,
}

impl Internal {
    /// Zero.
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

    /// Adds another Hamiltonian.
    pub fn plus(mut self, other: Internal) -> Internal {
        self.constant = self.constant.plus(other.constant);
        for (mine, theirs) in self.harmonics.iter_mut().zip(other.harmonics) {
            let before = std::mem::replace(mine, Operator::zero_like(&theirs));
            *mine = before.plus(theirs);
        }
        self
    }

    /// True if it depends on the rotor phase.
    pub fn changes(&self) -> bool {
        self.harmonics.iter().any(|h| !h.is_zero())
    }

    /// The operator, if it is independent of the rotor phase.
    ///
    /// # Errors
    /// If it is not.
    pub fn at_rest(self, name: &str, span: Span) -> Result<Operator, Fault> {
        if self.changes() {
            return Err(Diagnostic::new(
                Code::Contradiction,
                span,
                format!("`{name}` is time-dependent under MAS, so it is not a single operator"),
            )
            .label("time-dependent under MAS")
            .help("delays and pulses include its time dependence; elsewhere write the operators explicitly")
            .into());
        }
        Ok(self.constant)
    }
}

/// The terms of an internal Hamiltonian, shared by all statements; time is measured from `prepare`.
#[derive(Clone)]
pub struct Terms {
    constant: Arc<Operator>,
    harmonics: Vec<(usize, Arc<Operator>)>,
    rate: f64,
    /// Terms that differ among the members of an ensemble.
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

    /// Adds terms whose coefficients are variables.
    pub fn with(mut self, varying: Vec<(Scalar, Operator)>) -> Terms {
        self.varying = varying.into_iter().map(|(c, o)| (c, Arc::new(o))).collect();
        self
    }

    /// Coefficients and operators for a statement that starts at a time.
    pub fn from(&self, start: f64) -> Vec<(Scalar, Arc<Operator>)> {
        let mut terms = vec![(Scalar::Constant(1.0), self.constant.clone())];
        let rate = self.rate;
        for (k, operator) in &self.harmonics {
            let (twice, sine) = ((k / 2 + 1) as f64, k % 2 == 1);
            // The rotor angle is measured from `prepare`.
            let angle = Scalar::time().scaled(twice * rate).delayed(-start);
            let harmonic = angle.apply(if sine { Function::Sin } else { Function::Cos });
            terms.push((harmonic, operator.clone()));
        }
        terms.extend(self.varying.iter().cloned());
        terms
    }

    /// The rotor period; `None` if nothing depends on time.
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
            // The sample rotated about the rotor axis by the angle `time`, then tilted by the rotor angle into the laboratory frame.
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
