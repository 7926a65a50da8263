//! Thermal baths: jumps between neighbouring levels of a spin or a mode, at rates in detailed balance,
//! `rate(up)/rate(down) = exp(-gap/T)`, so that the Gibbs state of the spin's or mode's own Hamiltonian is stationary.
//!
//! The ladder operator is `I-` of a spin or collective along its quantisation axis, and `a` of a mode. Its matrix elements are grouped by the
//! gap w that a jump releases; every group jumps down and, with its adjoint, up (H.-P. Breuer, F. Petruccione, The Theory of Open Quantum
//! Systems, Oxford 2002, section 3.3):
//!
//! * `emission = g`, a bath of bosons: down `g (n + 1)`, up `g n`, `n = 1/(exp(w/T) - 1)`, for T >= 0.
//! * `rate = g` of a mode: the same, since `d<N>/dt = -g (<N> - n)`.
//! * `rate = g` of a spin: down `g (1 - f)`, up `g f`, `f = 1/(exp(w/T) + 1)`. The sum is g at every temperature, positive, negative or
//!   infinite: the energy of a spin 1/2 relaxes at 1/T1 = g.

use super::super::interactions::zeeman;
use super::super::schedule::Relaxing;
use super::super::value::{Evaluator, Fault};
use super::entry::each_site;
use super::rate;
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Bath, BathSetting};
use crate::linalg::{C64, I, real};
use crate::source::Span;
use crate::spin::{Local, LocalKind, Operator, Site, SiteKind};
use crate::units::temperature_scale;

/// Gaps that differ by less than this fraction of the largest one are equal.
const EQUAL: f64 = 1e-9;

/// Part of a local Hamiltonian that counts as rounding, as a fraction of its norm.
const ROUNDING: f64 = 1e-12;

/// Jumps between levels: a gap, rad/s, and the part of the ladder operator that releases it.
type Jumps = (f64, Local);

/// Adds the jumps of a bath for each of its spins and modes.
///
/// # Errors
/// If a spin or mode has no gap, the temperature or field is missing, or the bath has no such temperature.
pub fn add(e: &Evaluator, bath: &Bath, relaxing: &mut Relaxing) -> Result<(), Fault> {
    let hamiltonian = match &bath.energy {
        Some(energy) => e.hamiltonian(energy)?,
        None => zeeman::laboratory(e, bath.place.span())?,
    };
    let (setting, strength) = &bath.strength;
    for index in e.range(bath.each.as_ref())? {
        let temperature = temperature(e, bath, index)?;
        let strength_now = e.rate(strength, index)?;
        for site in each_site(e, &bath.sites, index)? {
            let own = hamiltonian.local_on(site).ok_or_else(|| no_gap(e, bath, site))?;
            let jumps = jumps(e, bath, site, &own)?;
            let largest = jumps.iter().fold(0.0f64, |most, (gap, _)| most.max(gap.abs()));
            if largest == 0.0 {
                return Err(no_gap(e, bath, site));
            }
            let bosons = *setting == BathSetting::Emission || e.basis.site(site).kind == SiteKind::Mode;
            for (gap, ladder) in jumps {
                let [down, up] = match bosons {
                    true => of_bosons(gap.abs(), temperature),
                    false => of_levels(gap.abs(), temperature),
                }
                .ok_or_else(|| unphysical(e, bath, site, gap, temperature, bosons))?;
                let operator = Operator::local(&e.basis, site, ladder);
                let raising = operator.adjoint();
                let (lower, raise) = if gap < 0.0 { (raising, operator) } else { (operator, raising) };
                for (operator, factor) in [(lower, down), (raise, up)] {
                    rate::add(operator, strength_now.scaled(factor), strength.span(), e.scope.units, relaxing)?;
                }
            }
        }
    }
    Ok(())
}

/// The temperature, rad/s.
fn temperature(e: &Evaluator, bath: &Bath, index: Option<(&str, f64)>) -> Result<f64, Fault> {
    let scale = temperature_scale(e.scope.units);
    match (&bath.temperature, &e.experiment.system.temperature) {
        (Some(own), _) => Ok(e.number_at(own, index)? * scale),
        (None, Some(sample)) => Ok(e.number(sample)? * scale),
        (None, None) => Err(Diagnostic::new(Code::MissingDeclaration, bath.place.span(), "a bath needs a temperature")
            .label("the system has none either")
            .help("give it its own, `temperature = 300 K`, or write `temperature 300 K` in `system`")
            .into()),
    }
}

/// Factors of the jumps down and up of a bath of bosons; `None` if there is no such bath.
fn of_bosons(gap: f64, temperature: f64) -> Option<[f64; 2]> {
    let n = match temperature {
        0.0 if gap > 0.0 => 0.0,
        t if t > 0.0 => 1.0 / (gap / t).exp_m1(),
        _ => f64::NAN,
    };
    n.is_finite().then_some([n + 1.0, n])
}

/// The same of two levels, with the sum 1.
fn of_levels(gap: f64, temperature: f64) -> Option<[f64; 2]> {
    let x = gap / temperature;
    (!x.is_nan()).then(|| [1.0 / (1.0 + (-x).exp()), 1.0 / (1.0 + x.exp())])
}

/// The jumps of a spin or mode with a Hamiltonian of its own.
fn jumps(e: &Evaluator, bath: &Bath, site: usize, own: &Local) -> Result<Vec<Jumps>, Fault> {
    let subsystem = e.basis.site(site);
    let mode = subsystem.kind == SiteKind::Mode;
    let ladder = if mode { LocalKind::Lower } else { LocalKind::Im };
    let Some(ladder) = ladder.on(subsystem) else { return Err(no_gap(e, bath, site)) };
    let off = own.entries().iter().filter(|(i, j, _)| i != j).map(|(_, _, v)| v.norm_sqr()).sum::<f64>().sqrt();
    if off <= ROUNDING * own.norm() {
        let found = grouped(own, &ladder);
        if let Some((gap, _)) = found.iter().find(|(gap, _)| mode && *gap < 0.0) {
            let message = format!("the levels of `{}` fall with its number of quanta", subsystem.name);
            return Err(Diagnostic::new(Code::OutOfRange, energy_place(bath), message)
                .label(format!("a gap of {} rad/s", crate::syntax::number_text(*gap)))
                .help("the `energy` of a bath is that in the laboratory frame, not in a rotating frame")
                .into());
        }
        return Ok(found);
    }
    let turned = if mode { None } else { along_axis(subsystem, own) };
    turned.ok_or_else(|| {
        let message =
            format!("a bath needs the levels of `{}`, and this energy gives it no ladder of levels", subsystem.name);
        Diagnostic::new(Code::WrongOperator, energy_place(bath), message)
            .label("neither diagonal nor a field on a spin")
            .help("write `collapse` entries for the jumps between its eigenstates")
            .into()
    })
}

/// The entries of a ladder operator by the gap that they release, where the Hamiltonian is diagonal.
fn grouped(own: &Local, ladder: &Local) -> Vec<Jumps> {
    let gap = |i: usize, j: usize| (own.entry(j, j) - own.entry(i, i)).re;
    let mut jumps: Vec<(f64, (usize, usize, C64))> =
        ladder.entries().iter().map(|&(i, j, v)| (gap(i, j), (i, j, v))).collect();
    jumps.sort_by(|a, b| a.0.total_cmp(&b.0));
    let largest = jumps.iter().fold(0.0f64, |most, (gap, _)| most.max(gap.abs()));
    let group = |group: &[(f64, (usize, usize, C64))]| {
        let gap = group.iter().map(|(gap, _)| gap).sum::<f64>() / group.len() as f64;
        let entries = group.iter().map(|(_, entry)| *entry).collect();
        (gap, Local::from_entries(own.dimension(), entries))
    };
    jumps.chunk_by(|a, b| b.0 - a.0 <= EQUAL * largest).map(group).collect()
}

/// The ladder operator of a spin in a field of any direction, `H = c + v.I`; `None` for other Hamiltonians.
fn along_axis(site: &Site, own: &Local) -> Option<Vec<Jumps>> {
    let n = own.dimension();
    let spin: Vec<Local> =
        [LocalKind::Ix, LocalKind::Iy, LocalKind::Iz].into_iter().map(|kind| kind.on(site)).collect::<Option<_>>()?;
    let component = |o: &Local| {
        let overlap: f64 = o.entries().iter().map(|&(i, j, v)| (v.conj() * own.entry(i, j)).re).sum();
        overlap / o.norm().powi(2)
    };
    let [x, y, z] = *spin.iter().map(component).collect::<Vec<f64>>().as_slice() else { return None };
    let mean = (0..n).map(|k| own.entry(k, k)).sum::<C64>() / n as f64;
    let field = |n: [f64; 3]| {
        let scaled = spin.iter().zip(n).map(|(o, x)| o.scaled(real(x)));
        scaled.reduce(|a, b| a.plus(&b))
    };
    let constant = Local::from_entries(n, (0..n).map(|k| (k, k, -mean)).collect());
    let rest = own.plus(&field([-x, -y, -z])?).plus(&constant);
    if rest.norm() > ROUNDING * own.norm() {
        return None;
    }
    // A step up along the field raises the energy by its size. The frame (a, b, v/|v|) is right-handed.
    let size = (x * x + y * y + z * z).sqrt();
    let across = x.hypot(y);
    let (a, b) = match across {
        0.0 => ([z.signum(), 0.0, 0.0], [0.0, 1.0, 0.0]),
        _ => ([x * z / (across * size), y * z / (across * size), -across / size], [-y / across, x / across, 0.0]),
    };
    let ladder = field(a)?.plus(&field(b)?.scaled(-I));
    let largest = ladder.entries().iter().fold(0.0f64, |most, (_, _, v)| most.max(v.norm()));
    let entries = ladder.entries().iter().filter(|(_, _, v)| v.norm() >= ROUNDING * largest).copied().collect();
    Some(vec![(size, Local::from_entries(n, entries))])
}

/// Where the energy is given, or the bath.
fn energy_place(bath: &Bath) -> Span {
    bath.energy.as_ref().map_or(bath.place.span(), |energy| energy.span())
}

/// The error for a spin or mode whose levels have one energy.
fn no_gap(e: &Evaluator, bath: &Bath, site: usize) -> Fault {
    let name = &e.basis.site(site).name;
    let diagnostic = match bath.energy {
        Some(_) => Diagnostic::new(
            Code::MissingDeclaration,
            energy_place(bath),
            format!("no term of this energy acts on `{name}` alone, so its levels have no gap"),
        )
        .help("couplings do not count: the bath acts on the levels of the single spin or mode"),
        None => Diagnostic::new(
            Code::MissingDeclaration,
            energy_place(bath),
            format!("`{name}` has no Zeeman energy, so a bath needs its `energy`"),
        )
        .help("for example `energy = 5 GHz * number(m)`"),
    };
    diagnostic.label("no gap").into()
}

/// The error for a temperature that a bath cannot have.
fn unphysical(e: &Evaluator, bath: &Bath, site: usize, gap: f64, temperature: f64, bosons: bool) -> Fault {
    let place = bath.temperature.as_ref().map_or(bath.place.span(), |t| t.span());
    let name = &e.basis.site(site).name;
    let (message, help) = if bosons && temperature < 0.0 {
        (
            "bosons have no negative temperature: their energy has no upper bound".to_string(),
            "a spin has one with `rate` instead of `emission`",
        )
    } else if gap == 0.0 {
        (
            format!("some levels of `{name}` have no gap between them, so this bath has no rate there"),
            "a spin has one with `rate` instead of `emission` at temperatures other than 0",
        )
    } else {
        (
            format!("the temperature is so high that the number of bosons at the gap of `{name}` is infinite"),
            "a spin has an infinite temperature with `rate` instead of `emission`",
        )
    };
    Diagnostic::new(Code::OutOfRange, place, message).help(help).into()
}
