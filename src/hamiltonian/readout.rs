//! Properties of the system needed by a tomography: channels, Hamiltonian during acquisition, and amplitude of the reference line.

use super::interactions::zeeman::thermal_ratios;
use super::orientation::Internal;
use super::schedule::{Receiving, Tomography};
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir;
use crate::ir::RelaxSetting;
use crate::linalg::real;
use crate::source::{Place, Span};
use crate::spin::{LocalKind, Operator, Site, SiteKind};
use std::sync::Arc;

/// Maximum number of states of a system that is read out.
const MOST_STATES: f64 = 16.0;

/// A tomography as numbers.
pub fn tomography(e: &Evaluator, t: &ir::Tomography, internal: Internal, place: Place) -> Result<Tomography, Fault> {
    let span = place.span();
    refuse_system(e, span)?;
    let channels = channels(e, t, span)?;
    let snr = t.snr.as_ref().map(|x| Ok::<_, Fault>((e.number(x)?, x.span()))).transpose()?;
    if let Some((value, span)) = snr
        && value <= 0.0
    {
        let message = format!("a signal-to-noise ratio must be positive, this is {value}");
        return Err(Diagnostic::new(Code::OutOfRange, span, message).into());
    }
    let decay = match (&t.points, &t.dwell) {
        (Some(points), Some(dwell)) => Some((e.count(points, 2)?, positive_time(e, dwell)?)),
        _ => None,
    };
    Ok(Tomography {
        decay,
        channels,
        hamiltonian: Arc::new(internal.at_rest("tomography", span)?),
        thermal: thermal(e, place)?,
        snr: snr.map(|s| s.0),
        scans: t.scans.as_ref().map_or(Ok(1), |x| e.count(x, 1))?,
        seed: t.seed.as_ref().map_or(Ok(0), |x| e.count(x, 0))? as u64,
        repetitions: t.repetitions.as_ref().map_or(Ok(400), |x| e.count(x, 20))?,
        method: t.method.clone(),
        readouts: t.readouts.clone(),
        energy_scale: crate::units::energy_scale(e.scope.units),
        place,
    })
}

/// Rejects systems that are too large, or contain sites other than nuclei.
fn refuse_system(e: &Evaluator, span: Span) -> Result<(), Fault> {
    let spins = e.basis.sites.iter().all(|s| s.kind == SiteKind::Spin && s.isotope.is_some());
    if !spins {
        let message = "tomography supports only nuclei";
        return Err(Diagnostic::new(Code::NotEmulated, span, message)
            .label("the system has other subsystems")
            .help("declare the spins by their isotopes, as in `spin h : 1H`")
            .into());
    }
    if e.basis.size() > MOST_STATES {
        let message = format!("tomography is supported for up to {MOST_STATES} states");
        return Err(Diagnostic::new(Code::NotEmulated, span, message)
            .label(format!("{} states", e.basis.size()))
            .help("remove the statement to run the sequence without it")
            .into());
    }
    Ok(())
}

/// The channel of every nucleus of the system, and whether it is detected.
fn channels(e: &Evaluator, t: &ir::Tomography, span: Span) -> Result<Vec<Receiving>, Fault> {
    let mut nuclei: Vec<&str> = Vec::new();
    for site in &e.basis.sites {
        if let Some(isotope) = site.isotope
            && !nuclei.contains(&isotope.symbol)
        {
            nuclei.push(isotope.symbol);
        }
    }
    for nucleus in &t.detect {
        if !nuclei.contains(&nucleus.as_str()) {
            let message = format!("the system has no spin {nucleus}, so it cannot be detected");
            return Err(Diagnostic::new(Code::Contradiction, span, message).into());
        }
    }
    let widths = widths(e)?;
    let mut channels = Vec::new();
    for nucleus in nuclei {
        let (mut x, mut y, mut width) = (Operator::zero(&e.basis), Operator::zero(&e.basis), 0.0f64);
        let own = |s: &Site| s.isotope.is_some_and(|i| i.symbol == nucleus);
        for ((k, _), own_width) in e.basis.sites.iter().enumerate().zip(&widths).filter(|((_, s), _)| own(s)) {
            if let (Some(ix), Some(iy)) =
                (Operator::of(&e.basis, LocalKind::Ix, k), Operator::of(&e.basis, LocalKind::Iy, k))
            {
                (x, y) = (x.plus(ix), y.plus(iy));
            }
            width = width.max(*own_width);
        }
        let detected = t.detect.is_empty() || t.detect.iter().any(|d| d == nucleus);
        let dead_time = e.experiment.channels.iter().find(|c| c.nucleus == nucleus).and_then(|c| c.dead_time.as_ref());
        let dead_time = dead_time.map_or(Ok(0.0), |t| e.number(t))?;
        channels.push(Receiving {
            nucleus: nucleus.to_string(),
            x: Arc::new(x),
            y: Arc::new(y),
            detected,
            width,
            dead_time,
        });
    }
    Ok(channels)
}

fn positive_time(e: &Evaluator, expr: &crate::syntax::Expr) -> Result<f64, Fault> {
    let time = e.number(expr)?;
    if time > 0.0 {
        return Ok(time);
    }
    Err(Diagnostic::new(Code::OutOfRange, expr.span(), "the dwell time must be positive").into())
}

/// Line width of every spin, rad/s: twice 1/T2, the full width at half maximum.
#[expect(clippy::indexing_slicing, reason = "the evaluator returns indices of sites, and there is a width for each")]
fn widths(e: &Evaluator) -> Result<Vec<f64>, Fault> {
    let mut out = vec![0.0; e.basis.sites.len()];
    for relaxation in &e.experiment.system.relax {
        let Some(t2) = relaxation.setting(RelaxSetting::T2) else { continue };
        for index in e.range(relaxation.each.as_ref())? {
            for site in &relaxation.sites {
                for k in e.sites(site, index)? {
                    out[k] = 2.0 / e.number_at(t2, index)?;
                }
            }
        }
    }
    Ok(out)
}

/// `sum p 2 Iz`, with the thermal polarisation of every spin; full polarisation if field or temperature is not given.
fn thermal(e: &Evaluator, place: Place) -> Result<Operator, Fault> {
    let system = &e.experiment.system;
    let ratios = match (&system.field, &system.temperature) {
        (Some(_), Some(_)) => thermal_ratios(e, place.span(), "`tomography`")?,
        _ => vec![],
    };
    let mut sum = Operator::zero(&e.basis);
    for k in 0..e.basis.sites.len() {
        let polarisation = ratios.get(k).copied().flatten().map_or(1.0, |r| (0.5 * r).tanh());
        if let Some(iz) = Operator::of(&e.basis, LocalKind::Iz, k) {
            sum = sum.plus(iz.times_number(real(2.0 * polarisation)));
        }
    }
    Ok(sum)
}
