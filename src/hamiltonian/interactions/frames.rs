//! The frames in which spins are described, and the parts of an interaction that are kept in them.
//!
//! A species is described in the rotating frame of its carrier, unless the file says `frame lab`. Of an interaction remain the parts that
//! commute with the total `Fz` of every species in a rotating frame; the others oscillate with its Larmor frequency and are left out. In the
//! laboratory frame everything remains. For a coupling `sum T_ij A_i B_j` of a spin a in its rotating frame
//!
//! * with b of another species, in its rotating frame: `T_zz Az Bz`;
//! * with b of another species, in the laboratory frame: `Az (T_zx Bx + T_zy By + T_zz Bz)`, whose first two terms are called
//!   pseudo-secular;
//! * with b of the same species: `T_zz Az Bz + (T_xx + T_yy)/2 (Ax Bx + Ay By)`.

use super::super::orientation::{Frame, Matrix3};
use super::super::value::{Evaluator, Fault};
use super::term::{Size, Term};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Span;
use crate::spin::{LocalKind, Operator};

/// The components of a spin along the axes of the laboratory frame.
const AXES: [LocalKind; 3] = [LocalKind::Ix, LocalKind::Iy, LocalKind::Iz];

/// True if a spin is described in the laboratory frame.
pub fn in_laboratory(e: &Evaluator, site: usize) -> bool {
    e.basis.site(site).isotope.is_some_and(|i| e.experiment.system.is_in_laboratory(i.symbol))
}

/// The operators of a spin that a frame keeps, with the indices of their axes.
fn kept(e: &Evaluator, site: usize) -> impl Iterator<Item = (usize, Operator)> {
    let all = in_laboratory(e, site);
    let axes = AXES.into_iter().enumerate().filter(move |(axis, _)| all || *axis == 2);
    axes.filter_map(move |(axis, kind)| Some((axis, Operator::of(&e.basis, kind, site)?)))
}

/// `sum_j T_zj I_j`, of which the rotating frame keeps `T_zz Iz`: a field along z, as a tensor changes it.
pub fn linear(e: &Evaluator, tensor: &Matrix3, site: usize) -> Vec<Term> {
    kept(e, site).map(|(axis, operator)| Term { size: Size::Component([2, axis], *tensor), operator }).collect()
}

/// `sum_ij T_ij A_i B_j` of two spins of different species, or of two in the laboratory frame.
pub fn bilinear(e: &Evaluator, tensor: &Matrix3, a: usize, b: usize) -> Vec<Term> {
    let mut terms = Vec::new();
    for (i, first) in kept(e, a) {
        for (j, second) in kept(e, b) {
            terms.push(Term { size: Size::Component([i, j], *tensor), operator: first.times(&second) });
        }
    }
    terms
}

/// `sum_ij T_ij I_i I_j` of a spin in the laboratory frame, with a symmetric tensor.
pub fn quadratic(e: &Evaluator, tensor: &Matrix3, site: usize) -> Vec<Term> {
    let mut terms = Vec::new();
    for (i, first) in kept(e, site) {
        for (j, second) in kept(e, site).filter(|(j, _)| *j >= i) {
            let product = first.times(&second);
            let operator = if i == j { product } else { product.plus(second.times(&first)) };
            terms.push(Term { size: Size::Component([i, j], *tensor), operator });
        }
    }
    terms
}

/// The largest element, rad/s, that the rotating frame leaves out of `sum T_ij I_i I_j`: for this orientation, or for the worst one where
/// the sample spins or members of an ensemble differ in it.
///
/// # Errors
/// If the orientation cannot be evaluated.
pub fn left_out(e: &Evaluator, tensor: &Matrix3) -> Result<f64, Fault> {
    let frame = Frame::of(e)?;
    let whole = |t: &Matrix3| t.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
    if frame.rate().is_some() || e.experiment.ensemble.iter().any(crate::ir::Distribution::is_powder) {
        return Ok(whole(tensor));
    }
    let at = |axes: [usize; 2]| frame.component(axes, tensor).first().copied().unwrap_or(0.0);
    let single = at([2, 0]).hypot(at([2, 1]));
    let double = (0.5 * (at([0, 0]) - at([1, 1]))).hypot(at([0, 1]));
    let largest = single.max(double);
    // Rounding errors of the rotation are nothing that is left out.
    Ok(if largest < 1e-12 * whole(tensor) { 0.0 } else { largest })
}

/// The error for a coupling without a direction of a spin in the laboratory frame.
pub fn needs_direction(e: &Evaluator, sites: &[usize], span: Span) -> Fault {
    let names: Vec<String> = sites.iter().map(|k| format!("`{}`", e.basis.site(*k).name)).collect();
    let message = format!("the coupling of {} has no direction, which the laboratory frame needs", names.join(" and "));
    Diagnostic::new(Code::MissingDeclaration, span, message)
        .label("no `along`")
        .help("for example `along (0, 0, 1)`: the value is then that of a pair along the field")
        .into()
}
