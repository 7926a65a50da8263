//! What the frames of electrons, and the second order of quadrupolar couplings, leave out: by how much it would shift lines.
//!
//! With A the hyperfine tensor of an electron of frequency nu_e and a nucleus of frequency nu_n, and z the direction of the field:
//!
//! * the pseudo-secular part `B = |(A_zx, A_zy)|`, which the rotating frame of the nucleus leaves out: `sqrt(x^2 + B^2/4) - x`, with
//!   `x = min |nu_n -+ A_zz/2|` the precession in the field of the electron;
//! * the parts across the field, which the rotating frame of the electron leaves out: `A^2/(2 nu_e)`, A the largest principal value;
//! * an electron of anisotropic g is quantised along `g.B`, not along the field: `|g_max - g_min| A/g`, with the anisotropy of A;
//! * a zero-field splitting: that of a quadrupolar coupling, `T^2/nu_e` with T the largest element that is left out;
//! * the cross term of a quadrupolar coupling C of the frequency nu and a dipolar coupling b, where `order 2` is not asked for:
//!   `(9/10) (C b/nu) (S^2 - m^2)/(S (2S - 1))`, m the lowest |m_S|: the residual splitting of a spin along the axis of C.

use super::interactions::{couplings, declared, electrons, frames, g_factor, second_order};
use super::orientation::{Frame, Matrix3};
use super::value::{Evaluator, Fault};
use crate::ir::{Distribution, InteractionKind};
use crate::source::Place;
use crate::units::TWO_PI;

/// What is neglected, its shift in Hz, and the place of its declaration.
type Neglected = (&'static str, f64, Place);

/// Shifts of what the frames of electrons leave out, Hz.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn electrons(e: &Evaluator, larmor: &dyn Fn(usize) -> Option<f64>) -> Result<Vec<Neglected>, Fault> {
    let mut all = Vec::new();
    let tensors = g_factor::g_factors(e)?;
    for a in declared(e, InteractionKind::Hyperfine)? {
        let place = a.declaration.place;
        let (electron, nucleus, tensor) = electrons::hyperfine_tensor(e, &a)?;
        let (Some(nu_e), Some(nu_n)) = (larmor(electron), larmor(nucleus)) else { continue };
        let (along, across) = parts(e, &tensor)?;
        let largest = a.principal.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let (first, second) = (frames::in_laboratory(e, electron), frames::in_laboratory(e, nucleus));
        if !second && !first {
            let precession = (nu_n.abs() - along.abs() / 2.0).abs();
            let shift = precession.hypot(across / 2.0) - precession;
            all.push(("the pseudo-secular part of the hyperfine coupling", shift, place));
        }
        if !first {
            all.push(("the hyperfine coupling", largest * largest / (2.0 * nu_e.abs()), place));
            if let Some((_, g)) = tensors.iter().find(|(site, _)| *site == electron) {
                let anisotropy = spread(g.principal) / g.size.abs() * spread(a.principal);
                all.push(("the tilt of the electron by its g tensor in the hyperfine coupling", anisotropy, place));
            }
        }
    }
    for d in declared(e, InteractionKind::Zfs)? {
        let (site, tensor) = electrons::zero_field_tensor(e, &d)?;
        if let (Some(nu), false, false) = (larmor(site), frames::in_laboratory(e, site), second_order::is_asked(e, &d)?)
        {
            let left_out = frames::left_out(e, &tensor)? / TWO_PI;
            all.push(("the zero-field splitting", left_out * left_out / nu.abs(), d.declaration.place));
        }
    }
    Ok(all)
}

/// Shifts of cross terms of quadrupolar couplings to first order with the dipolar couplings of their spins, Hz.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn cross_terms(e: &Evaluator, larmor: &dyn Fn(usize) -> Option<f64>) -> Result<Vec<Neglected>, Fault> {
    let mut all = Vec::new();
    for q in declared(e, InteractionKind::Quadrupole)? {
        let site = q.site()?;
        let Some(nu) = larmor(site) else { continue };
        if second_order::is_asked(e, &q)? || frames::in_laboratory(e, site) {
            continue;
        }
        let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
        for (a, b, size, _) in couplings::sizes(e)? {
            if (a == site) != (b == site) && !couplings::like(e, a, b) {
                let lowest = if spin.fract() == 0.0 { 0.0 } else { 0.5 };
                let share = (spin * spin - lowest * lowest) / (spin * (2.0 * spin - 1.0));
                let splitting = 0.9 * q.size.abs() * size / nu.abs() * share;
                all.push(("the quadrupolar coupling with the dipolar coupling", splitting, q.declaration.place));
            }
        }
    }
    Ok(all)
}

/// The component of a tensor along the field and the length of that across it, Hz; the largest ones where the orientation differs.
fn parts(e: &Evaluator, tensor: &Matrix3) -> Result<(f64, f64), Fault> {
    let frame = Frame::of(e)?;
    let at = |axis: usize| frame.component([2, axis], tensor).first().copied().unwrap_or(0.0) / TWO_PI;
    if frame.rate().is_some() || e.experiment.ensemble.iter().any(Distribution::is_powder) {
        // |T n|^2 - (n T n)^2 is at most the square of half the spread of the principal values, which the norm bounds.
        let trace: f64 = (0..3).filter_map(|k| tensor.get(k)?.get(k)).sum::<f64>() / 3.0;
        let square: f64 = tensor.iter().flatten().map(|x| x * x).sum::<f64>() - 3.0 * trace * trace;
        return Ok((at(2), 0.75 * square.max(0.0).sqrt() / TWO_PI));
    }
    Ok((at(2), at(0).hypot(at(1))))
}

/// The largest value less the smallest.
fn spread(values: [f64; 3]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest - values.iter().copied().fold(f64::INFINITY, f64::min)
}
