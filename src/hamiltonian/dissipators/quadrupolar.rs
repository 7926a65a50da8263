//! Quadrupolar relaxation of spins above 1/2 in a liquid: a rigid field gradient in isotropic rotational diffusion with correlation time
//! tau_c (A. Abragam, The Principles of Nuclear Magnetism, Oxford 1961, chapter VIII, section F).
//!
//! The coupling `H = w_Q (3 Iz^2 - I(I+1) + eta (I+^2 + I-^2)/2)` in its principal axes, `w_Q = 2 pi C/(4I(2I-1))`, `C = e^2 q Q/h`, is
//! `sqrt(6) w_Q sum_m a_m T_2m` with `a_0 = 1`, `a_+-2 = eta/sqrt(6)`, and `T_20 = (3 Iz^2 - I(I+1))/sqrt(6)`,
//! `T_2+-1 = -+(I+- Iz + Iz I+-)/2`, `T_2+-2 = I+-^2/2`. Tumbling distributes `sum |a_m|^2 = 1 + eta^2/3` evenly over the five components in
//! the frame of the field, with the correlation function `exp(-t/tau_c)/5`.
//!
//! So `sqrt(6) w_Q sqrt(1 + eta^2/3) T_2q` is a collapse operator with the rate `(2/5) tau_c/(1 + (q w)^2 tau_c^2) exp(-E/2kT)`, where
//! `w = gamma B0` and E is the energy gained in the step: detailed balance makes the thermal state the fixed point. With `w tau_c << 1` this is
//! `1/T1 = 1/T2 = (3/40) (2I+3)/(I^2 (2I-1)) (1 + eta^2/3) (2 pi C)^2 tau_c`. The dynamic frequency shift is neglected.

use super::super::interactions::{declared, zeeman};
use super::super::schedule::Relaxing;
use super::super::value::{Evaluator, Fault};
use super::entry::{sites, time_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{InteractionKind, RelaxSetting, Relaxation};
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{LocalKind, Operator, SiteKind};
use crate::units::TWO_PI;
use std::collections::HashSet;

/// The settings of `relax` handled here, beside `tau_c`.
pub const SETTINGS: &[RelaxSetting] = &[RelaxSetting::Quadrupole, RelaxSetting::Eta];

/// Adds the collapse operators of every `relax` entry with a quadrupolar coupling, in 1/sqrt(s).
///
/// # Errors
/// If a spin has no quadrupole or relaxes twice, or the correlation time, the field or the temperature is missing.
pub fn add(e: &Evaluator, _: Option<&str>, relaxing: &mut Relaxing) -> Result<(), Fault> {
    let mut relaxed: HashSet<usize> = HashSet::new();
    for relaxation in &e.experiment.system.relax {
        let (coupling, eta) = (relaxation.setting(RelaxSetting::Quadrupole), relaxation.setting(RelaxSetting::Eta));
        let Some(coupling) = coupling else {
            if let Some(eta) = eta {
                return Err(missing(
                    eta.span(),
                    "the asymmetry `eta` belongs to a `quadrupole`",
                    "quadrupole = 200 kHz",
                ));
            }
            continue;
        };
        let Some(tau) = time_of(e, relaxation, RelaxSetting::TauC)? else {
            return Err(missing(coupling.span(), "quadrupolar relaxation needs a correlation time", "tau_c = 10 ps"));
        };
        let eta = match eta {
            Some(given) => asymmetry(e.number(given)?, given.span())?,
            None => 0.0,
        };
        let coupling = TWO_PI * e.number(coupling)? * (1.0 + eta * eta / 3.0).sqrt();
        let span = relaxation.place.span();
        let ratios = zeeman::thermal_ratios(e, span, "the thermal equilibrium of quadrupolar relaxation")?;
        let field = zeeman::field(e)?.unwrap_or(0.0);
        for site in sites(e, relaxation)? {
            check(e, relaxation, site)?;
            if !relaxed.insert(site) {
                let message = format!("the quadrupolar relaxation of `{}` is given twice", e.basis.site(site).name);
                return Err(Diagnostic::new(Code::DefinedTwice, span, message).into());
            }
            let frequency = e.basis.site(site).isotope.map_or(0.0, |i| i.gamma * field);
            let ratio = ratios.get(site).copied().flatten().unwrap_or(0.0);
            for (q, component) in components(e, site) {
                let q = f64::from(q);
                // For positive gamma, spin up is the lower level, so a step up releases energy.
                let rate = 0.4 * tau / (1.0 + (q * frequency * tau).powi(2)) * (0.5 * q * ratio).exp();
                relaxing.collapse.push(component.times_number(real(coupling * rate.sqrt())));
            }
        }
    }
    Ok(())
}

/// `sqrt(6) T_2q/(4I(2I-1))` of a spin, with q.
fn components(e: &Evaluator, site: usize) -> Vec<(i32, Operator)> {
    let of = |kind| Operator::of(&e.basis, kind, site);
    let (Some(z), Some(up), Some(down)) = (of(LocalKind::Iz), of(LocalKind::Ip), of(LocalKind::Im)) else {
        return vec![];
    };
    let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
    let one = Operator::identity(&e.basis, real(-spin * (spin + 1.0)));
    let root = 6f64.sqrt();
    let step = |a: &Operator| a.times(&z).plus(z.times(a)).times_number(real(0.5 * root));
    let all = [
        (0, z.times(&z).times_number(real(3.0)).plus(one)),
        (1, step(&up).times_number(real(-1.0))),
        (-1, step(&down)),
        (2, up.times(&up).times_number(real(0.5 * root))),
        (-2, down.times(&down).times_number(real(0.5 * root))),
    ];
    let scale = 1.0 / (4.0 * spin * (2.0 * spin - 1.0));
    all.into_iter().map(|(q, component)| (q, component.times_number(real(scale)))).collect()
}

/// Rejects what has no quadrupole, and a static coupling of the same spin, which tumbling averages to zero.
fn check(e: &Evaluator, relaxation: &Relaxation, site: usize) -> Result<(), Fault> {
    let (span, subsystem) = (relaxation.place.span(), e.basis.site(site));
    if subsystem.kind != SiteKind::Spin || subsystem.dimension < 3 || subsystem.isotope.is_none() {
        let message = format!("`{}` is not a nucleus with a spin above 1/2, so it has no quadrupole", subsystem.name);
        return Err(Diagnostic::new(Code::WrongOperator, span, message).label("no quadrupolar relaxation").into());
    }
    for given in declared(e, InteractionKind::Quadrupole)? {
        if given.sites.contains(&site) {
            return Err(Diagnostic::new(
                Code::Contradiction,
                given.span(),
                "isotropic tumbling averages this `quadrupole` to zero",
            )
            .label("acts at a fixed orientation")
            .related(span, "this spin tumbles")
            .help("leave it out; the `quadrupole` of `relax` is the coupling that relaxes")
            .into());
        }
    }
    Ok(())
}

fn asymmetry(eta: f64, span: Span) -> Result<f64, Fault> {
    if (0.0..=1.0).contains(&eta) {
        return Ok(eta);
    }
    Err(Diagnostic::new(Code::OutOfRange, span, format!("an asymmetry must lie between 0 and 1, this is {eta}")).into())
}

fn missing(span: Span, message: &str, example: &str) -> Fault {
    let diagnostic = Diagnostic::new(Code::MissingDeclaration, span, message.to_string());
    diagnostic.help(format!("for example `{example}`")).into()
}
