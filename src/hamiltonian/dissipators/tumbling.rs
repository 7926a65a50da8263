//! Dipolar relaxation in a liquid: a rigid molecule in isotropic rotational diffusion with correlation time tau_c (N. Bloembergen,
//! E. M. Purcell, R. V. Pound, Phys. Rev. 73, 679 (1948); I. Solomon, Phys. Rev. 99, 559 (1955)).
//!
//! The coupling of a pair is `sqrt(6) b sum_m C_2m(u(t))^* T_2m`, with the coupling constant b in rad/s, the direction u, Racah's spherical
//! harmonics C, and `T_20 = (3 Iz Sz - I.S)/sqrt(6)`, `T_2+-1 = -+(I+- Sz + Iz S+-)/2`, `T_2+-2 = I+- S+-/2`. Tumbling gives
//! `<C_2q(u(0)) C_2q(u'(t))^*> = P_2(u.u') exp(-t/tau_c)/5`, including cross-correlations of pairs.
//!
//! The part of all `sqrt(6) b T_2m` that raises m by `d_n` for every nucleus n has the frequency `w = sum d_n gamma_n B0`. It is a collapse
//! operator with the rate `(2/5) tau_c/(1 + w^2 tau_c^2) exp(-E/2kT)`, where E is the energy gained in the step: detailed balance makes the
//! thermal state of the Zeeman energies the fixed point. All spins of one nucleus have the same frequency here, whatever their shifts. The
//! dynamic frequency shift is neglected; it is smaller than the rates.

use super::super::interactions::couplings::{constant, difference};
use super::super::interactions::{declared, zeeman};
use super::super::schedule::Relaxing;
use super::super::value::{Evaluator, Fault};
use super::entry::{sites, time_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind, RelaxSetting, Relaxation};
use crate::linalg::C64;
use crate::source::Span;
use crate::spin::{LocalKind, Operator};
use crate::units::TWO_PI;
use std::collections::{BTreeMap, HashSet};

/// The settings of `relax` handled here.
pub const SETTINGS: &[RelaxSetting] = &[RelaxSetting::TauC];

/// Change of m for every nucleus.
type Step = BTreeMap<&'static str, i32>;

/// Adds the collapse operators of every `relax` entry with a correlation time, in 1/sqrt(s).
///
/// # Errors
/// If a spin has no position or no nucleus, or has two correlation times, or the field or temperature is missing.
pub fn add(e: &Evaluator, _: Option<&str>, relaxing: &mut Relaxing) -> Result<(), Fault> {
    let mut tumbling: HashSet<usize> = HashSet::new();
    for relaxation in &e.experiment.system.relax {
        let Some(tau) = time_of(e, relaxation, RelaxSetting::TauC)? else { continue };
        // The correlation time of a quadrupolar coupling.
        if relaxation.setting(RelaxSetting::Quadrupole).is_some() {
            continue;
        }
        let span = relaxation.place.span();
        let molecule = sites(e, relaxation)?;
        if let Some(twice) = molecule.iter().find(|site| !tumbling.insert(**site)) {
            let message = format!("`{}` has two correlation times", e.basis.site(*twice).name);
            return Err(Diagnostic::new(Code::DefinedTwice, span, message).into());
        }
        refuse_static(e, &molecule, span)?;
        relaxing.collapse.extend(molecule_operators(e, relaxation, &molecule, tau)?);
    }
    Ok(())
}

/// Refuses interactions of a fixed orientation within a molecule that tumbles: isotropic tumbling averages them to zero, and they would act
/// besides the relaxation that they cause. Isotropic numbers, such as a residual `dipolar a b = 5 Hz`, are allowed.
fn refuse_static(e: &Evaluator, molecule: &[usize], span: Span) -> Result<(), Fault> {
    let refused = |what: &str, place: Span| {
        let message = format!("isotropic tumbling averages {what} to zero");
        Err(Diagnostic::new(Code::Contradiction, place, message)
            .label("acts at a fixed orientation")
            .related(span, "these spins tumble")
            .help("leave it out; `tau_c` includes the relaxation by the dipolar couplings of all pairs")
            .into())
    };
    if e.experiment.system.dipolar_all {
        return refused("the couplings of `dipolar all`", span);
    }
    for kind in [InteractionKind::Csa, InteractionKind::Quadrupole, InteractionKind::Dipolar] {
        for given in declared(e, kind)? {
            let within = given.sites.iter().all(|site| molecule.contains(site));
            let oriented = kind != InteractionKind::Dipolar || given.clause(Clause::Along).is_some();
            if within && oriented {
                return refused(&format!("this `{}`", kind.word()), given.span());
            }
        }
    }
    Ok(())
}

/// The collapse operators of one molecule.
fn molecule_operators(
    e: &Evaluator,
    relaxation: &Relaxation,
    molecule: &[usize],
    tau: f64,
) -> Result<Vec<Operator>, Fault> {
    let span = relaxation.place.span();
    let field = zeeman::field(e)?;
    let ratios = zeeman::thermal_ratios(e, span, "the thermal equilibrium of relaxation by tumbling")?;
    let placed = positions(e, molecule, span)?;
    // By transition and spherical component in the molecular frame: sums over pairs, which include their interference.
    let mut sums: BTreeMap<(Step, usize), Operator> = BTreeMap::new();
    for (k, &(a, ra)) in placed.iter().enumerate() {
        for &(b, rb) in placed.iter().skip(k + 1) {
            let coupling = TWO_PI * constant(e, a, b, ra, rb, span)?;
            let components = spherical(difference(rb, ra));
            for (step, operator) in steps(e, a, b) {
                for (q, component) in components.into_iter().enumerate() {
                    let term = operator.clone().times_number(component * coupling);
                    let sum = sums.remove(&(step.clone(), q)).unwrap_or_else(|| Operator::zero(&e.basis));
                    sums.insert((step.clone(), q), sum.plus(term));
                }
            }
        }
    }
    let rate = |step: &Step| {
        let sum = |of: &dyn Fn(usize) -> f64| -> f64 {
            let first =
                |nucleus: &str| e.basis.sites.iter().position(|s| s.isotope.is_some_and(|i| i.symbol == nucleus));
            step.iter().filter_map(|(nucleus, d)| Some(f64::from(*d) * of(first(nucleus)?))).sum()
        };
        let frequency = sum(&|site| e.basis.site(site).isotope.map_or(0.0, |i| i.gamma * field.unwrap_or(0.0)));
        // For positive gamma, spin up is the lower level, so a step up releases energy.
        let balance = sum(&|site| ratios.get(site).copied().flatten().unwrap_or(0.0));
        0.4 * tau / (1.0 + (frequency * tau).powi(2)) * (0.5 * balance).exp()
    };
    let weighted = |((step, _), sum): ((Step, usize), Operator)| sum.times_number(C64::from(rate(&step).sqrt()));
    Ok(sums.into_iter().map(weighted).filter(|operator| !operator.is_zero()).collect())
}

/// Positions of the spins of a molecule, m.
fn positions(e: &Evaluator, molecule: &[usize], span: Span) -> Result<Vec<(usize, [f64; 3])>, Fault> {
    let mut known: BTreeMap<usize, [f64; 3]> = BTreeMap::new();
    for p in &e.experiment.system.positions {
        for index in e.range(p.each.as_ref())? {
            known.insert(e.site(&p.site, index)?, e.vector(&p.value, index)?);
        }
    }
    let mut placed = Vec::with_capacity(molecule.len());
    for &site in molecule {
        let name = &e.basis.site(site).name;
        if e.basis.site(site).isotope.is_none() {
            let message = format!("`{name}` is not a nucleus, so it has no dipolar relaxation");
            return Err(Diagnostic::new(Code::WrongOperator, span, message).into());
        }
        let Some(position) = known.get(&site) else {
            let message = format!("`tau_c` needs the position of `{name}`");
            return Err(Diagnostic::new(Code::MissingDeclaration, span, message)
                .help(format!("for example `position {name} = (0, 0, 0) angstrom`"))
                .into());
        };
        placed.push((site, *position));
    }
    if placed.len() < 2 {
        return Err(Diagnostic::new(Code::MissingDeclaration, span, "a single spin has no dipolar relaxation")
            .help("name all spins of the molecule: `relax a, b { tau_c = 10 ps }`; a spin above 1/2 relaxes by its coupling if you give a `quadrupole`")
            .into());
    }
    Ok(placed)
}

/// `C_2q(u)` for the direction of a vector, q from -2 to 2.
fn spherical([x, y, z]: [f64; 3]) -> [C64; 5] {
    let r2 = x * x + y * y + z * z;
    let plus = C64::new(x, y);
    let (two, one) = ((3.0f64 / 8.0).sqrt() / r2, (3.0f64 / 2.0).sqrt() / r2);
    [
        plus.conj() * plus.conj() * two,
        plus.conj() * (one * z),
        C64::from((3.0 * z * z - r2) / (2.0 * r2)),
        plus * (-one * z),
        plus * plus * two,
    ]
}

/// The parts of `sqrt(6) T_2m` of a pair for all m, each with its change of m for every nucleus.
fn steps(e: &Evaluator, a: usize, b: usize) -> Vec<(Step, Operator)> {
    use LocalKind::{Im, Ip, Iz};
    let root = 6f64.sqrt();
    let parts: [(LocalKind, LocalKind, [i32; 2], f64); 9] = [
        (Iz, Iz, [0, 0], 2.0),
        (Ip, Im, [1, -1], -0.5),
        (Im, Ip, [-1, 1], -0.5),
        (Ip, Iz, [1, 0], -0.5 * root),
        (Iz, Ip, [0, 1], -0.5 * root),
        (Im, Iz, [-1, 0], 0.5 * root),
        (Iz, Im, [0, -1], 0.5 * root),
        (Ip, Ip, [1, 1], 0.5 * root),
        (Im, Im, [-1, -1], 0.5 * root),
    ];
    let mut out = Vec::with_capacity(parts.len());
    for (kind_a, kind_b, [up_a, up_b], factor) in parts {
        let (Some(first), Some(second)) = (Operator::of(&e.basis, kind_a, a), Operator::of(&e.basis, kind_b, b)) else {
            continue;
        };
        let mut step = Step::new();
        for (site, up) in [(a, up_a), (b, up_b)] {
            if let Some(isotope) = e.basis.site(site).isotope {
                *step.entry(isotope.symbol).or_insert(0) += up;
            }
        }
        // Omit nuclei with zero change, so that pairs with and without them interfere.
        step.retain(|_, up| *up != 0);
        out.push((step, first.times(&second).times_number(C64::from(factor))));
    }
    out
}
