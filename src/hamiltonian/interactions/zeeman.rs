//! Zeeman energies: `-gamma B0 (1 + delta) Iz` in the laboratory frame, `-gamma B0 (delta - delta_carrier) Iz` in the rotating frame of
//! the carrier. For gamma > 0 spin up is the lower level. What g tensors add is in [`super::electrons`].

use super::super::value::{Evaluator, Fault};
use super::frames::in_laboratory;
use super::g_factor::{g_factors, relative_g};
use super::term::{Size, Term, declared};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::InteractionKind;
use crate::linalg::real;
use crate::source::Span;
use crate::spin::{Isotope, LocalKind, Operator, Site};
use crate::units::{BOLTZMANN, HBAR};

/// The chemical shift of every site; 0 if none is given.
#[expect(clippy::indexing_slicing, reason = "the evaluator returns indices of sites, and there is a shift for each")]
fn shifts(e: &Evaluator) -> Result<Vec<f64>, Fault> {
    let mut shifts = vec![0.0; e.basis.sites.len()];
    for shift in declared(e, InteractionKind::Shift)? {
        shifts[shift.site()?] = shift.size;
    }
    Ok(shifts)
}

/// The static field, T, if one is declared.
pub fn field(e: &Evaluator) -> Result<Option<f64>, Fault> {
    e.experiment.system.field.as_ref().map(|f| e.number(f)).transpose()
}

/// The error for something that needs the field when none is declared.
pub fn missing_field(what: &str, span: Span) -> Fault {
    Diagnostic::new(Code::MissingDeclaration, span, format!("{what} needs the field"))
        .label("no `field` is declared")
        .help("for example `field 9.4 T`")
        .into()
}

fn along_z(e: &Evaluator, coefficients: impl Iterator<Item = (usize, f64)>) -> Operator {
    let mut sum = Operator::zero(&e.basis);
    for (site, c) in coefficients {
        if c != 0.0
            && let Some(iz) = Operator::of(&e.basis, LocalKind::Iz, site)
        {
            sum = sum.plus(iz.times_number(real(c)));
        }
    }
    sum
}

/// Fz of a nucleus.
pub fn total_z(e: &Evaluator, nucleus: &str) -> Operator {
    let own = e.basis.sites.iter().enumerate().filter(|(_, s)| s.isotope.is_some_and(|i| i.symbol == nucleus));
    along_z(e, own.map(|(k, _)| (k, 1.0)))
}

/// Offsets in the rotating frame: site and nu of `2 pi nu Iz`, Hz, without the distribution of an ensemble.
///
/// # Errors
/// If a shift or carrier cannot be evaluated.
pub fn offsets(e: &Evaluator) -> Result<Vec<(usize, f64)>, Fault> {
    let Some(field) = field(e)? else { return Ok(vec![]) };
    let mut out = Vec::new();
    for (k, (site, shift)) in e.basis.sites.iter().zip(shifts(e)?).enumerate() {
        let Some(isotope) = site.isotope else { continue };
        let channel = e.experiment.channels.iter().find(|c| c.nucleus == isotope.symbol);
        let carrier = channel.and_then(|c| c.carrier.as_ref()).map_or(Ok(0.0), |x| e.number(x))?;
        out.push((k, -isotope.gamma * field * (shift - carrier) / crate::units::TWO_PI));
    }
    Ok(out)
}

/// The offset Hamiltonian in the rotating frame, rad/s.
pub fn offset(e: &Evaluator) -> Result<Vec<Term>, Fault> {
    let carriers: Vec<(&str, f64)> = e
        .experiment
        .channels
        .iter()
        .filter_map(|c| c.carrier.as_ref().map(|x| Ok((c.nucleus.as_str(), e.number(x)?))))
        .collect::<Result<_, Fault>>()?;
    let spread = along_z(
        e,
        e.basis.sites.iter().enumerate().filter_map(|(k, s)| Some((k, e.variation.offset(s.isotope?.symbol)))),
    );
    let mut declared = e.experiment.system.interactions_of(InteractionKind::Shift);
    let first = declared.next();
    let laboratory = e.experiment.system.frames.iter().any(|s| e.basis.nuclei().contains(&Some(s.as_str())));
    if first.is_none() && carriers.is_empty() && !laboratory {
        return Ok(vec![Term { size: Size::Isotropic(1.0), operator: spread }]);
    }
    let Some(field) = field(e)? else {
        let place = first.map(|s| s.place.span()).unwrap_or_default();
        return match laboratory {
            true => Err(missing_field("a spin in the laboratory frame", e.experiment.system.place.span())),
            false => Err(missing_field("a chemical shift", place)),
        };
    };
    let shifts = shifts(e)?;
    let whole = with_g_tensor(e)?;
    let coefficients = e.basis.sites.iter().zip(&shifts).enumerate().filter_map(|(k, (site, shift))| {
        let isotope = site.isotope?;
        if in_laboratory(e, k) {
            return (!whole.contains(&k)).then_some((k, -isotope.gamma * field * (1.0 + shift)));
        }
        let carrier = carriers.iter().find(|(n, _)| *n == isotope.symbol).map_or(0.0, |(_, c)| *c);
        Some((k, -isotope.gamma * field * (shift - carrier)))
    });
    Ok(vec![Term { size: Size::Isotropic(1.0), operator: along_z(e, coefficients).plus(spread) }])
}

/// The electrons in the laboratory frame that have a g tensor, which gives their whole Zeeman term.
fn with_g_tensor(e: &Evaluator) -> Result<Vec<usize>, Fault> {
    let sites = g_factors(e)?.into_iter().map(|(site, _)| site);
    Ok(sites.filter(|site| in_laboratory(e, *site)).collect())
}

/// The angular frequency `-gamma B0 (1 + carrier)` of a carrier whose nuclei are described in the laboratory frame, rad/s; `None` if they are
/// not. Its sign is that of the precession.
///
/// # Errors
/// If no field is declared, or a value cannot be evaluated.
pub fn carrier_in_laboratory(e: &Evaluator, nucleus: &str, span: Span) -> Result<Option<f64>, Fault> {
    if !e.experiment.system.is_in_laboratory(nucleus) {
        return Ok(None);
    }
    let Some(field) = field(e)? else { return Err(missing_field("a carrier in the laboratory frame", span)) };
    let channel = e.experiment.channels.iter().find(|c| c.nucleus == nucleus);
    let carrier = channel.and_then(|c| c.carrier.as_ref()).map_or(Ok(0.0), |x| e.number(x))?;
    Ok(Isotope::named(nucleus).map(|isotope| -isotope.gamma * field * (1.0 + carrier)))
}

/// The Zeeman energy in the laboratory frame, rad/s, without the terms of [`super::electrons::g_tensor`].
pub fn laboratory(e: &Evaluator, span: Span) -> Result<Operator, Fault> {
    let Some(field) = field(e)? else {
        return Err(missing_field("`zeeman`", span));
    };
    let shifts = shifts(e)?;
    let whole = with_g_tensor(e)?;
    let coefficients = e
        .basis
        .sites
        .iter()
        .zip(&shifts)
        .enumerate()
        .filter(|(k, _)| !whole.contains(k))
        .filter_map(|(k, (site, shift))| Some((k, -site.isotope?.gamma * field * (1.0 + shift))));
    Ok(along_z(e, coefficients))
}

/// `gamma hbar B0 / kT` of every site with a nucleus; of an electron with its isotropic g.
pub fn thermal_ratios(e: &Evaluator, span: Span, what: &str) -> Result<Vec<Option<f64>>, Fault> {
    let field = field(e)?;
    let temperature = e.experiment.system.temperature.as_ref().map(|t| e.number(t)).transpose()?;
    let (Some(field), Some(temperature)) = (field, temperature) else {
        let (missing, example) =
            if field.is_none() { ("field", "field 9.4 T") } else { ("temperature", "temperature 300 K") };
        return Err(Diagnostic::new(
            Code::MissingDeclaration,
            span,
            format!("{what} needs the {missing} of the system"),
        )
        .label(format!("no `{missing}` is declared"))
        .help(format!("for example `{example}`"))
        .into());
    };
    if temperature <= 0.0 {
        let place = e.experiment.system.temperature.as_ref().map_or(span, |t| t.span());
        return Err(Diagnostic::new(
            Code::OutOfRange,
            place,
            format!("the temperature must be positive, it is {temperature} K"),
        )
        .into());
    }
    let ratio = |(k, site): (usize, &Site)| match site.isotope {
        Some(i) => Ok(Some(relative_g(e, k)? * i.gamma * HBAR * field / (BOLTZMANN * temperature))),
        None => Ok(None),
    };
    e.basis.sites.iter().enumerate().map(ratio).collect()
}
