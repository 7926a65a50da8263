//! Interactions of electrons: g tensor, hyperfine coupling, zero-field splitting.
//!
//! g tensor: `mu_B/hbar B.g.S`. In the rotating frame the electron is quantised along the field that it experiences: `w Sz`,
//! `w = mu_B/hbar B0 |g.n|` for the direction n of the field, less the frequency of the carrier. In a sample that spins, `|g.n|` is
//! expanded to second order in the anisotropy. In the laboratory frame `mu_B/hbar B0 sum_j g_zj S_j`.
//! Hyperfine coupling: `2 pi S.A.I`, of which the frames of both spins keep what [`super::frames`] says.
//! Zero-field splitting: `2 pi (D (Sz^2 - S(S+1)/3) + E (Sx^2 - Sy^2))` along the principal axes, `S.T.S` with
//! `T = 2 pi diag(-D/3 + E, -D/3 - E, 2D/3)`; in the rotating frame `T_zz (3 Sz^2 - S(S+1))/2`.
//! (A. Schweiger, G. Jeschke, Principles of Pulse Electron Paramagnetic Resonance, Oxford 2001, chapter 3.)

use super::super::orientation::{Matrix3, square, with_principal_values};
use super::super::value::{Evaluator, Fault};
use super::frames::{self, in_laboratory};
use super::g_factor::{electron, g_factors, refused, relative_g};
use super::term::{Declared, Size, Term, declared};
use super::{second_order, zeeman};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind, RelaxSetting};
use crate::linalg::real;
use crate::spin::{FREE_G, LocalKind, Operator};
use crate::units::angular_factor;

/// The part of the Zeeman frequency that the elements left out of a zero-field splitting must not exceed.
const MOST_LEFT_OUT: f64 = 1.0 / 3.0;

/// What the g tensors add to the Zeeman terms of free electrons, rad/s; in the laboratory frame the whole terms.
///
/// # Errors
/// If no field is declared, or a value cannot be evaluated.
pub fn g_tensor(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for (site, g) in g_factors(e)? {
        let Some(field) = zeeman::field(e)? else { return Err(zeeman::missing_field("a g tensor", g.span())) };
        let own = e.basis.site(site);
        let (Some(isotope), Some(sz)) = (own.isotope, Operator::of(&e.basis, LocalKind::Iz, site)) else { continue };
        let larmor = -isotope.gamma * field;
        let tensor = with_principal_values(e, g.principal.map(|x| x / FREE_G), g.clause(Clause::Axes), g.index)?;
        if in_laboratory(e, site) {
            terms.extend(frames::linear(e, &tensor.map(|row| row.map(|x| larmor * x)), site));
            continue;
        }
        let mut excess = square(&tensor);
        for (k, row) in excess.iter_mut().enumerate() {
            row.iter_mut().skip(k).take(1).for_each(|x| *x -= 1.0);
        }
        terms.push(Term { size: Size::Stretch(larmor, excess), operator: sz });
    }
    Ok(terms)
}

/// A hyperfine coupling: electron, nucleus, and its tensor in the crystal frame, rad/s.
///
/// # Errors
/// If the spins are not an electron and a nucleus.
pub fn hyperfine_tensor(e: &Evaluator, a: &Declared) -> Result<(usize, usize, Matrix3), Fault> {
    let (first, second) = a.pair()?;
    let is_electron = |site: usize| e.basis.site(site).isotope.map(|i| i.is_electron());
    let (electron, nucleus) = match (is_electron(first), is_electron(second)) {
        (Some(true), Some(false)) => (first, second),
        (Some(false), Some(true)) => (second, first),
        (Some(true), Some(true)) => {
            let message = "a hyperfine coupling is that of an electron and a nucleus, these are two electrons";
            return Err(Diagnostic::new(Code::WrongOperator, a.span(), message)
                .help("an exchange coupling is written `j a b = 10 MHz`, a dipolar one `dipolar a b = 10 MHz`")
                .into());
        }
        (x, _) => {
            let other = if x.is_none() { first } else { second };
            return Err(refused(e, a, other, "and the other spin are not an electron and a nucleus"));
        }
    };
    let factor = angular_factor(e.scope.units);
    let values = a.principal.map(|x| factor * x);
    Ok((electron, nucleus, with_principal_values(e, values, a.clause(Clause::Axes), a.index)?))
}

/// The hyperfine couplings, rad/s.
///
/// # Errors
/// If the spins of one are not an electron and a nucleus.
pub fn hyperfine(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for a in declared(e, InteractionKind::Hyperfine)? {
        let (electron, nucleus, tensor) = hyperfine_tensor(e, &a)?;
        terms.extend(frames::bilinear(e, &tensor, electron, nucleus));
    }
    Ok(terms)
}

/// A zero-field splitting: its electron, and `T` of `S.T.S` in the crystal frame, rad/s.
///
/// # Errors
/// If the spin is not an electron of spin above 1/2.
pub fn zero_field_tensor(e: &Evaluator, d: &Declared) -> Result<(usize, Matrix3), Fault> {
    let site = electron(e, d, "zero-field splitting")?;
    if e.basis.site(site).dimension < 3 {
        return Err(refused(e, d, site, "is a spin 1/2, so it has no zero-field splitting"));
    }
    let rhombic = d.clause(Clause::Rhombic).map_or(Ok(0.0), |x| e.number_at(x, d.index))?;
    let factor = angular_factor(e.scope.units);
    let (axial, rhombic) = (factor * d.size / 3.0, factor * rhombic);
    let values = [-axial + rhombic, -axial - rhombic, 2.0 * axial];
    Ok((site, with_principal_values(e, values, d.clause(Clause::Axes), d.index)?))
}

/// The zero-field splittings, rad/s, to second order where the file says so.
///
/// # Errors
/// If the spin is not an electron above 1/2, or the rotating frame does not describe it.
pub fn zero_field_splitting(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let mut terms = Vec::new();
    for d in declared(e, InteractionKind::Zfs)? {
        let (site, tensor) = zero_field_tensor(e, &d)?;
        let second = second_order::is_asked(e, &d)?;
        refuse_relaxation(e, &d, site)?;
        if in_laboratory(e, site) {
            if second {
                return Err(second_order::is_exact(&d));
            }
            terms.extend(frames::quadratic(e, &tensor, site));
            continue;
        }
        let own = e.basis.site(site);
        let larmor = zeeman::field(e)?.zip(own.isotope).map_or(0.0, |(field, i)| -i.gamma * field);
        let larmor = larmor * relative_g(e, site)?;
        if frames::left_out(e, &tensor)? > MOST_LEFT_OUT * larmor.abs() {
            return Err(no_high_field(e, &d, site));
        }
        let Some(sz) = Operator::of(&e.basis, LocalKind::Iz, site) else { continue };
        let spin = (own.dimension - 1) as f64 / 2.0;
        let level = Operator::identity(&e.basis, real(-0.5 * spin * (spin + 1.0)));
        let operator = sz.times(&sz).times_number(real(1.5)).plus(level);
        terms.push(Term { size: Size::Tensor(tensor), operator });
        if second {
            terms.extend(second_order::terms(e, site, &tensor, larmor));
        }
    }
    Ok(terms)
}

/// Refuses a T1 of an electron with a zero-field splitting: it would lead to the thermal state of the Zeeman energy alone.
fn refuse_relaxation(e: &Evaluator, d: &Declared, site: usize) -> Result<(), Fault> {
    for relaxation in e.experiment.system.relax.iter().filter(|r| r.setting(RelaxSetting::T1).is_some()) {
        for index in e.range(relaxation.each.as_ref())? {
            for sites in &relaxation.sites {
                if e.sites(sites, index)?.contains(&site) {
                    let message = format!(
                        "the T1 of `{}` does not account for its zero-field splitting",
                        e.basis.site(site).name
                    );
                    return Err(Diagnostic::new(Code::Contradiction, d.span(), message)
                        .label("changes the populations in equilibrium")
                        .related(relaxation.place.span(), "leads to those of the Zeeman energy")
                        .help("write the rates between its levels as the collapse operators of a `noise`")
                        .into());
                }
            }
        }
    }
    Ok(())
}

/// The error for a zero-field splitting that the Zeeman term does not dominate.
fn no_high_field(e: &Evaluator, d: &Declared, site: usize) -> Fault {
    let name = &e.basis.site(site).name;
    let message = format!("the zero-field splitting of `{name}` is not small against its Zeeman term");
    Diagnostic::new(Code::Contradiction, d.span(), message)
        .label("its parts across the field cannot be left out")
        .help("`frame lab e` in `system` keeps the whole Hamiltonian; in a rotating frame use a higher field, or put the principal axis along it")
        .into()
}

/// The secular energies of the zero-field splitting of a spin, rad/s, from m = S down; `None` if it has none.
///
/// # Errors
/// If it is described in the laboratory frame, in which its energies belong to no m.
pub fn zero_field_levels(e: &Evaluator, site: usize) -> Result<Option<Vec<f64>>, Fault> {
    let mut levels: Option<Vec<f64>> = None;
    if e.experiment.system.interactions_of(InteractionKind::Zfs).next().is_none() {
        return Ok(levels);
    }
    let frame = super::super::orientation::Frame::of(e)?;
    for d in declared(e, InteractionKind::Zfs)? {
        let (own, tensor) = zero_field_tensor(e, &d)?;
        if own != site {
            continue;
        }
        if in_laboratory(e, site) || frame.rate().is_some() {
            let name = &e.basis.site(site).name;
            let message =
                format!("`thermal` is a state of the magnetic quantum numbers, which `{name}` does not conserve");
            return Err(Diagnostic::new(Code::WrongState, d.span(), message)
                .label("its zero-field splitting")
                .help("prepare `gibbs(zeeman + zfs, 300 K)`")
                .into());
        }
        let along = frame.along_field(&tensor).first().copied().unwrap_or(0.0);
        let dimension = e.basis.site(site).dimension;
        let spin = (dimension - 1) as f64 / 2.0;
        let energy = |k: usize| 0.5 * along * (3.0 * (spin - k as f64).powi(2) - spin * (spin + 1.0));
        let all = levels.get_or_insert_with(|| vec![0.0; dimension]);
        all.iter_mut().enumerate().for_each(|(k, x)| *x += energy(k));
    }
    Ok(levels)
}
