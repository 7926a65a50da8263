//! T1D, the measured lifetime of the order in the dipolar couplings H: while only H acts, `Tr[H rho]` decays as `exp(-t/T1D)`, at all times
//! and for any T1 and T2. If D is the dissipator of T1 and T2, with adjoint D+, the additional decay is
//! `d rho/dt = -Tr[G rho] H`, `G = (H/T1D + D+(H))/Tr[H^2]`, so that `d/dt Tr[H rho] = Tr[D+(H) rho] - Tr[H^2] Tr[G rho] = -Tr[H rho]/T1D`.
//! With T1 and T2 alone the initial decay time of the order in H is `1/R`, `R = -Tr[H D(H)]/Tr[H^2]`; T1D cannot be longer.
//! The law is valid in the high-temperature approximation: for states far from the maximally mixed one it can give negative
//! probabilities.

use super::super::interactions;
use super::super::schedule::{OrderDecay, Relaxing};
use super::super::value::{Evaluator, Fault};
use super::entry::{sites, time};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::RelaxSetting;
use crate::linalg::real;
use crate::spin::Operator;
use crate::units::time_text;

/// The settings of `relax` handled here.
pub const SETTINGS: &[RelaxSetting] = &[RelaxSetting::T1D];

/// Adds the decay of dipolar order in excess of that by the other dissipators.
///
/// # Errors
/// If T1D is given twice, for some of the coupled spins only, or is longer than the other relaxation allows.
pub fn add(e: &Evaluator, _: Option<&str>, relaxing: &mut Relaxing) -> Result<(), Fault> {
    const LARGEST: usize = 1024;
    let mut given = e.experiment.system.relax.iter().filter_map(|r| Some((r, r.setting(RelaxSetting::T1D)?)));
    let Some((relaxation, expr)) = given.next() else { return Ok(()) };
    if let Some((_, again)) = given.next() {
        return Err(Diagnostic::new(
            Code::DefinedTwice,
            again.span(),
            "T1D is given twice; there is one T1D for all dipolar couplings",
        )
        .related(expr.span(), "first given here")
        .into());
    }
    let t1d = time(e, expr, RelaxSetting::T1D.word())?;
    let couplings = interactions::sum(e, Some("dipolar"))?.at_rest("dipolar", expr.span())?;
    if couplings.is_zero() {
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            expr.span(),
            "T1D is the lifetime of dipolar order and needs dipolar couplings",
        )
        .label("the system has no dipolar couplings")
        .help("for example `dipolar p q = -30 kHz`")
        .into());
    }
    let named = sites(e, relaxation)?;
    if let Some(left) = couplings.support().into_iter().find(|site| !named.contains(site)) {
        let name = &e.basis.site(left).name;
        let message =
            format!("T1D refers to all dipolar couplings, but the dipolar-coupled spin `{name}` is not named");
        return Err(Diagnostic::new(Code::Contradiction, expr.span(), message)
            .label("names only some of the spins")
            .help(format!("add `{name}` to the spins of this `relax`"))
            .into());
    }
    if couplings.dimension() > LARGEST {
        let message = format!("T1D is supported for up to {LARGEST} states, this system has {}", couplings.dimension());
        return Err(Diagnostic::new(Code::OutOfRange, expr.span(), message).into());
    }
    // D+(H) = sum c^dagger H c - {c^dagger c, H}/2; c commutes with operators on other sites.
    let mut lost = Operator::zero_like(&couplings);
    for c in &relaxing.collapse {
        let h = match c.support().as_slice() {
            [site] => couplings.acting_on(*site),
            _ => couplings.clone(),
        };
        let adjoint = c.adjoint();
        let square = adjoint.times(c);
        let half = square.times(&h).plus(h.times(&square)).times_number(real(-0.5));
        lost = lost.plus(adjoint.times(&h.times(c))).plus(half);
    }
    let norm2 = couplings.overlap(&couplings).re;
    let shortest = -couplings.overlap(&lost).re / norm2;
    if 1.0 / t1d < shortest * (1.0 - 1e-9) {
        // Ten digits, so that rounding errors of a sum do not show.
        let longest: f64 = format!("{:.9e}", 1.0 / shortest).parse().unwrap_or(1.0 / shortest);
        let [t1d, longest] = [t1d, longest].map(|t| time_text(t, e.experiment.units));
        let message =
            format!("T1D = {t1d} is longer than {longest}, the lifetime of dipolar order under T1 and T2 alone");
        return Err(Diagnostic::new(Code::Contradiction, expr.span(), message)
            .label("unphysical: too long for these T1 and T2")
            .into());
    }
    let norm2 = norm2 * couplings.dimension() as f64;
    let lost = couplings.clone().times_number(real(1.0 / t1d)).plus(lost).times_number(real(1.0 / norm2));
    relaxing.order = Some(OrderDecay { hamiltonian: couplings, lost });
    Ok(())
}
