//! A wanted evolution as a problem of synthesis: the spins that take part, their channels, couplings and offsets.

use super::drive;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::linalg::Matrix;
use crate::source::Span;
use crate::spin::{Basis, LocalKind, Operator};
use crate::syntax::Expr;
use crate::synthesis::block::Transmitter;
use crate::synthesis::propagate::Deviation;
use crate::synthesis::{MOST_SPINS, Problem, Refusal};
use crate::units::UnitSystem;

/// Requirements in addition to the Hamiltonian and its duration.
#[derive(Debug, Clone, PartialEq)]
pub struct Wishes {
    /// Nutation frequencies, Hz: of a nucleus, or of all others.
    pub rf: Vec<(Option<String>, f64)>,
    /// The largest allowed `1 - F`.
    pub infidelity: f64,
    /// The longest allowed duration, s.
    pub within: Option<f64>,
    /// The offset at which the robustness is stated, Hz.
    pub offset: f64,
    /// Instantaneous pulses.
    pub ideal: bool,
}

impl Default for Wishes {
    fn default() -> Wishes {
        Wishes { rf: vec![], infidelity: 1e-6, within: None, offset: 100.0, ideal: false }
    }
}

/// The problem of `exp(-i H T)` at the parameters of the evaluator, and the sites of the system that its spins are.
///
/// # Errors
/// If H is not Hermitian or T not positive, if a control acts on a nucleus that the system does not have, or if the system
/// is not one of spins 1/2 with constant couplings.
pub fn problem(
    e: &Evaluator,
    hamiltonian: &Expr,
    time: &Expr,
    wishes: &Wishes,
) -> Result<(Problem, Vec<usize>), Fault> {
    let span = hamiltonian.span();
    if e.scope.units == UnitSystem::Natural {
        return Err(Diagnostic::new(Code::Contradiction, span, "pulses are computed for files in lab units")
            .help("write `units lab`, with the field and the couplings in their units")
            .into());
    }
    let wanted = e.hamiltonian(hamiltonian)?;
    let t = e.number(time)?;
    if t <= 0.0 {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            time.span(),
            format!("the time must be positive, this is {}", crate::units::time_text(t, e.experiment.units)),
        )
        .label("not positive")
        .into());
    }
    let internal = e.internal()?;
    if internal.changes() {
        return Err(
            Diagnostic::new(Code::NotEmulated, span, "pulses for a spinning sample are not computed yet").into()
        );
    }
    let internal = internal.constant;
    let channels = channels(e, wishes, span)?;
    let sites = taking_part(e, &wanted, &internal, &channels);
    if sites.is_empty() {
        let message = "the wanted Hamiltonian is zero, and nothing acts on the spins";
        return Err(Diagnostic::new(Code::Vanishes, span, message).into());
    }
    if sites.len() > MOST_SPINS {
        return Err(too_many(sites.len(), span));
    }
    if let Some(site) = sites.iter().map(|s| e.basis.site(*s)).find(|s| s.dimension != 2 || !s.has_spin()) {
        let message = format!("pulses are computed for spins 1/2, `{}` is none", site.name);
        return Err(Diagnostic::new(Code::NotEmulated, span, message).into());
    }
    let on = |operator: &Operator| -> Matrix {
        operator.restricted(&sites).map_or_else(|| Matrix::zeros(1 << sites.len(), 1 << sites.len()), |o| o.matrix())
    };
    let own = |c: &Transmitter| Transmitter {
        spins: (0..sites.len()).filter(|k| sites.get(*k).is_some_and(|s| c.spins.contains(s))).collect(),
        ..c.clone()
    };
    let channels: Vec<Transmitter> = channels.iter().map(own).filter(|c| !c.spins.is_empty()).collect();
    let problem = Problem {
        ensemble: ensemble(e, &channels, span)?,
        basis: Basis::new(sites.iter().map(|s| e.basis.site(*s).clone()).collect()),
        names: sites.iter().map(|s| e.basis.site(*s).name.clone()).collect(),
        channels,
        internal: on(&internal.within(&sites)),
        wanted: on(&wanted),
        time: t,
        infidelity: wishes.infidelity,
        within: wishes.within,
        offset: wishes.offset * drive::angular(e),
        ideal: wishes.ideal,
    };
    Ok((problem, sites))
}

/// Largest number of members over which the mean fidelity is computed in a search.
const MOST_MEMBERS: usize = 64;

/// The spread of rf and offset of the channels in the `ensemble`, without what else differs between its members.
fn ensemble(e: &Evaluator, channels: &[Transmitter], span: Span) -> Result<Vec<Deviation>, Fault> {
    let mut out: Vec<Deviation> = Vec::new();
    for member in super::ensemble::members(e)? {
        let rf: Vec<f64> = channels.iter().map(|c| member.variation.rf(&c.nucleus)).collect();
        let offset: Vec<f64> = channels.iter().map(|c| member.variation.offset(&c.nucleus)).collect();
        match out.iter_mut().find(|d| d.rf == rf && d.offset == offset) {
            Some(same) => same.weight += member.weight,
            None => out.push(Deviation { weight: member.weight, rf, offset }),
        }
    }
    if out.iter().all(|d| d.rf.iter().all(|x| *x == 1.0) && d.offset.iter().all(|x| *x == 0.0)) {
        return Ok(vec![]);
    }
    if out.len() > MOST_MEMBERS {
        let message = format!(
            "pulses are computed for at most {MOST_MEMBERS} members of an ensemble, this one has {}",
            out.len()
        );
        return Err(Diagnostic::new(Code::OverBudget, span, message)
            .help("give the distributions of rf and offset fewer `points`")
            .into());
    }
    Ok(out)
}

fn too_many(spins: usize, span: Span) -> Fault {
    let message = format!("pulses are computed for at most {MOST_SPINS} spins, {spins} take part here");
    Diagnostic::new(Code::OverBudget, span, message)
        .help("leave out spins that are coupled to none of the others")
        .into()
}

/// A refusal at the place of the Hamiltonian.
pub fn at(refusal: &Refusal, span: Span) -> Fault {
    let diagnostic = Diagnostic::new(refusal.code, span, refusal.message.clone());
    let diagnostic = if refusal.help.is_empty() { diagnostic } else { diagnostic.help(refusal.help.clone()) };
    diagnostic.into()
}

/// The channels: those of the file, or else one for every nucleus of the system.
fn channels(e: &Evaluator, wishes: &Wishes, span: Span) -> Result<Vec<Transmitter>, Fault> {
    let spins = |nucleus: &str| -> Vec<usize> {
        let of = |s: &crate::spin::Site| s.isotope.is_some_and(|i| i.symbol == nucleus);
        e.basis.sites.iter().enumerate().filter(|(_, s)| of(s)).map(|(k, _)| k).collect()
    };
    let present: Vec<String> = e.basis.nuclei().into_iter().flatten().map(str::to_string).collect();
    let absent = |nucleus: &str, place: Span| -> Fault {
        let message = format!("the system has no spin {nucleus} that a channel could rotate");
        Diagnostic::new(Code::NoSuchControl, place, message)
            .help(format!("its nuclei are: {}", present.join(", ")))
            .into()
    };
    for c in &e.experiment.channels {
        if !present.contains(&c.nucleus) {
            return Err(absent(&c.nucleus, c.place.span()));
        }
    }
    for (nucleus, _) in &wishes.rf {
        if let Some(nucleus) = nucleus.as_ref().filter(|n| !present.contains(n)) {
            return Err(absent(nucleus, span));
        }
    }
    let declared =
        |n: &String| e.experiment.channels.is_empty() || e.experiment.channels.iter().any(|c| c.nucleus == *n);
    let named = |n: &String| wishes.rf.iter().any(|(w, _)| w.as_ref() == Some(n));
    let mut out = Vec::new();
    for nucleus in present.iter().filter(|n| declared(n) || named(n)) {
        let wish = |own: bool| {
            wishes.rf.iter().rev().find(|(n, _)| if own { n.as_ref() == Some(nucleus) } else { n.is_none() })
        };
        let channel = e.experiment.channels.iter().find(|c| c.nucleus == *nucleus);
        let setting = channel.and_then(|c| c.rf.as_ref().or(c.max_rf.as_ref()));
        let rf = match (wish(true).or(wish(false)), setting) {
            (Some((_, rf)), _) => Some(*rf),
            (None, Some(setting)) => Some(e.number(setting)?),
            (None, None) => None,
        };
        if let Some(rf) = rf {
            drive::check_limit(e, nucleus, rf, span)?;
        }
        let rf = rf.map(|rf| rf * drive::angular(e));
        let rise = match channel.and_then(|c| c.rise_time.as_ref()) {
            Some(rise) if !wishes.ideal => e.number(rise)?,
            _ => 0.0,
        };
        out.push(Transmitter { nucleus: nucleus.clone(), spins: spins(nucleus), rf, rise });
    }
    Ok(out)
}

/// The sites on which H acts, those that are coupled to them, directly or through others, and those whose channel one of them shares. An
/// uncoupled spin without an offset and with a channel of its own stays as it is. If H is zero, all spins that are coupled or have an
/// offset are to be kept.
fn taking_part(e: &Evaluator, wanted: &Operator, internal: &Operator, channels: &[Transmitter]) -> Vec<usize> {
    let mut taking = if wanted.is_zero() { internal.support() } else { wanted.support() };
    let coupled: Vec<(usize, Vec<usize>)> =
        internal.support().into_iter().map(|s| (s, internal.acting_on(s).support())).collect();
    loop {
        let before = taking.len();
        for (site, others) in &coupled {
            let alone = others.len() == 1;
            if alone || others.iter().any(|o| taking.contains(o)) {
                taking.extend([*site].into_iter().filter(|s| !taking.contains(s)).collect::<Vec<_>>());
            }
        }
        for c in channels {
            if c.spins.iter().any(|s| taking.contains(s)) {
                let more: Vec<usize> = c.spins.iter().copied().filter(|s| !taking.contains(s)).collect();
                taking.extend(more);
            }
        }
        if taking.len() == before {
            break;
        }
    }
    taking.sort_unstable();
    taking.dedup();
    taking.retain(|s| Operator::of(&e.basis, LocalKind::Iz, *s).is_some() || wanted.support().contains(s));
    taking
}
