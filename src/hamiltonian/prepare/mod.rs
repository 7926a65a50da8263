//! Initial states: products of states of some sites each.
//!
//! A state is kept as a list of parts until the space it can reach is known: the product of a hundred cells and a hundred charger spins
//! is one basis state, not a vector of ten thousand amplitudes.

mod density;
mod deviation;
mod form;
mod heated;
mod reset;
mod steady;

pub use deviation::Deviation;
pub use reset::reset;

use super::interactions::electrons::zero_field_levels;
use super::interactions::zeeman::thermal_ratios;
use super::schedule::clean;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir;
use crate::linalg::{C64, Matrix, ONE, Vector, ZERO, real};
use crate::metrics::Averaged;
use crate::source::Span;
use crate::spin::{Basis, Multiplet, Site, SiteKind, Space, Sparse, State};
use crate::syntax::Expr;
use crate::units::{BOLTZMANN, HBAR};
use form::{Form, LARGEST_DIAGONAL, LARGEST_PART, Partial, too_large};
use heated::{gibbs_state, high_temperature};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A prepared state.
pub struct Prepared {
    basis: Arc<Basis>,
    parts: Vec<Partial>,
}

impl Prepared {
    /// True if it is a pure state.
    pub fn is_pure(&self) -> bool {
        self.parts.iter().all(|p| matches!(p.form, Form::Pure(_)))
    }

    /// Collectives averaged over permutations of their spins, and whether the state is otherwise pure.
    pub fn averaged(&self) -> Averaged {
        let sites: Vec<usize> = self.parts.iter().flat_map(|p| p.averaged.clone()).collect();
        // A part with a single averaged collective is the average of one product state; a mixture of several product states is marked by
        // listing the collective twice.
        let pure = |p: &Partial| matches!(p.form, Form::Pure(_)) || p.averaged == p.sites;
        Averaged { pure: self.parts.iter().all(pure), sites }
    }

    /// Maps a local index of a part's sites to its contribution to the index of the whole.
    fn places(&self, part: &Partial) -> impl Fn(usize) -> usize {
        let dimension_and_stride = |&s: &usize| {
            let behind = self.basis.sites.iter().skip(s + 1);
            (self.basis.site(s).dimension, behind.fold(1usize, |stride, site| stride.wrapping_mul(site.dimension)))
        };
        let places: Vec<(usize, usize)> = part.sites.iter().rev().map(dimension_and_stride).collect();
        move |mut rest| {
            let mut index = 0usize;
            for (dimension, stride) in &places {
                index = index.wrapping_add((rest % dimension).wrapping_mul(*stride));
                rest /= dimension;
            }
            index
        }
    }

    /// The occupied product states; `None` if there are more than `most`.
    pub fn support(&self, most: usize) -> Option<Vec<usize>> {
        let mut all = vec![0usize];
        for part in &self.parts {
            let places: Vec<usize> = part.form.support().into_iter().map(self.places(part)).collect();
            if all.len().saturating_mul(places.len()) > most {
                return None;
            }
            all = all.iter().flat_map(|base| places.iter().map(move |p| base + p)).collect();
        }
        Some(all)
    }

    /// Nonzero amplitudes of a pure state; empty for any other state.
    pub fn amplitudes(&self) -> Vec<(usize, C64)> {
        let mut all = vec![(0usize, ONE)];
        for part in &self.parts {
            let Form::Pure(amplitudes) = &part.form else { return vec![] };
            let place = self.places(part);
            let local: Vec<(usize, C64)> = amplitudes.iter().map(|(l, a)| (place(*l), *a)).collect();
            all = all.iter().flat_map(|(base, x)| local.iter().map(move |(p, a)| (base + p, x * a))).collect();
        }
        all
    }

    /// The state on a space that contains its support.
    #[expect(clippy::indexing_slicing, reason = "each site has a digit, and each state of the space a local one")]
    pub fn state(&self, space: &Space) -> State {
        if self.is_pure() {
            return State::Pure(space.vector(&self.amplitudes()));
        }
        let n = space.len();
        if let [Partial { form: Form::Near(a), .. }] = self.parts.as_slice() {
            let even = Matrix::identity(n, n) + Sparse::of(a, space).dense();
            return State::Mixed(even / real(a.dimension() as f64));
        }
        // For each part, its local index in every state of the space.
        let local: Vec<Vec<usize>> = self
            .parts
            .iter()
            .map(|part| {
                (0..n)
                    .map(|k| {
                        let digits = self.basis.digits(space.state(k));
                        part.sites.iter().fold(0, |i, &s| i * self.basis.site(s).dimension + digits[s])
                    })
                    .collect()
            })
            .collect();
        let factors = || self.parts.iter().map(|p| &p.form).zip(&local);
        if self.parts.iter().all(|part| matches!(part.form, Form::Diagonal(_))) {
            let population = |k: usize| factors().map(|(form, l)| form.element(l[k], l[k])).product();
            return State::Mixed(Matrix::from_diagonal(&Vector::from_fn(n, |k, _| population(k))));
        }
        State::Mixed(Matrix::from_fn(n, n, |i, j| {
            factors().fold(
                ONE,
                |product, (form, l)| {
                    if product == ZERO { ZERO } else { product * form.element(l[i], l[j]) }
                },
            )
        }))
    }
}

/// The product of the given states, which together must cover every site once.
///
/// # Errors
/// If they do not, a value is out of range, or a part is too large.
pub fn prepare(e: &Evaluator, states: &[ir::State], span: Span) -> Result<Prepared, Fault> {
    let all: Vec<usize> = (0..e.basis.sites.len()).collect();
    let parts = parts_on(e, states, span, &all, states.len() == 1)?;
    let covers = |number: usize| parts.iter().flat_map(|part| &part.sites).filter(|s| **s == number).count();
    let mut covered = e.basis.sites.iter().enumerate().map(|(k, site)| (site, covers(k)));
    if let Some((site, count)) = covered.find(|(_, n)| *n != 1) {
        let name = &site.name;
        let message = if count == 0 {
            format!("no state is given for `{name}`")
        } else {
            format!("more than one state is given for `{name}`")
        };
        return Err(Diagnostic::new(Code::WrongState, span, message)
            .label("give the state of every subsystem exactly once")
            .help("`ket` covers all subsystems; `up`, `down`, `fock`, `dicke` and `definite` one subsystem; `thermal` and `mixed` the remaining ones")
            .into());
    }
    Ok(Prepared { basis: e.basis.clone(), parts })
}

/// The parts of a product of states on the sites `all`; `alone` if a single state covers the whole system.
fn parts_on(
    e: &Evaluator,
    states: &[ir::State],
    span: Span,
    all: &[usize],
    alone: bool,
) -> Result<Vec<Partial>, Fault> {
    let mut parts: Vec<Partial> = Vec::new();
    // States that cover all remaining sites come last.
    let (rest, named): (Vec<_>, Vec<_>) = states.iter().partition(|s| takes_the_rest(s));
    for state in named {
        parts.push(partial(e, state, span, &Cover { alone, all: all.to_vec(), rest: vec![] })?);
    }
    for state in rest {
        let covered: Vec<usize> = parts.iter().flat_map(|p| p.sites.clone()).collect();
        let rest = all.iter().copied().filter(|s| !covered.contains(s)).collect();
        parts.push(partial(e, state, span, &Cover { alone, all: all.to_vec(), rest })?);
    }
    Ok(parts)
}

fn takes_the_rest(state: &ir::State) -> bool {
    matches!(state, ir::State::Thermal { sites: None } | ir::State::Mixed { sites: None })
}

/// The sites that a state may cover.
struct Cover {
    /// True if it is the only state.
    alone: bool,
    /// All sites that the states are of.
    all: Vec<usize>,
    /// The sites not covered by other states.
    rest: Vec<usize>,
}

fn partial(e: &Evaluator, state: &ir::State, span: Span, cover: &Cover) -> Result<Partial, Fault> {
    let one = |site: usize, level: usize| Partial::new(vec![site], Form::Pure(vec![(level, ONE)]));
    let left = |sites: &Option<Expr>| -> Result<Vec<usize>, Fault> {
        match sites {
            Some(sites) => e.sites(sites, None),
            None if cover.alone => Ok(cover.all.clone()),
            None => Ok(cover.rest.clone()),
        }
    };
    Ok(match state {
        ir::State::Thermal { sites } => thermal(e, left(sites)?, span)?,
        ir::State::Mixed { sites } => {
            let sites = left(sites)?;
            let weights = sites.iter().map(|&s| local_copies(e.basis.site(s))).collect();
            Partial::new(sites, Form::Diagonal(product_of(weights, span)?))
        }
        ir::State::Gibbs { hamiltonian, temperature } => gibbs_state(e, hamiltonian, temperature, cover.alone)?,
        ir::State::HighTemperature { hamiltonian, temperature } => {
            high_temperature(e, hamiltonian, temperature, cover.alone)?
        }
        ir::State::SteadyState { hamiltonian, noise } => {
            steady::steady_state(e, hamiltonian, noise.as_deref(), span, cover.alone)?
        }
        ir::State::Density { path, elements, place } => {
            density::density(e, (path, elements), place.0.unwrap_or(span), &cover.all)?
        }
        ir::State::Ket { digits, place } => {
            let index = ket(e, digits, place.0.unwrap_or(span), &cover.all)?;
            Partial::new(cover.all.clone(), Form::Pure(vec![(index, ONE)]))
        }
        ir::State::Up { site } => every(e, site, span, |s| if s.has_spin() { 0 } else { s.dimension - 1 })?,
        ir::State::Down { site } => every(e, site, span, |s| s.multiplets().first().map_or(0, |m| m.dimension() - 1))?,
        ir::State::Fock { site, quanta } => {
            let k = e.site(site, None)?;
            one(k, fock(e, site, k, quanta)?)
        }
        ir::State::Dicke { site, excitations } => {
            let k = e.site(site, None)?;
            let Some(top) = e.basis.site(k).multiplets().first().copied() else {
                return Err(
                    Diagnostic::new(Code::WrongState, site.span(), "a mode has Fock states, not Dicke states").into()
                );
            };
            let n = e.count(excitations, 0)?;
            at_most(n, top.twice_j as usize, excitations)?;
            one(k, top.twice_j as usize - n)
        }
        ir::State::Definite { site, excitations } => definite(e, site, excitations)?,
        ir::State::Mix(parts) => mixture(e, parts, span, cover)?,
        ir::State::Superposition(parts) => superposition(e, parts, span, cover)?,
    })
}

/// Every subsystem of a name in the level that is its own.
fn every(e: &Evaluator, sites: &Expr, span: Span, level: impl Fn(&Site) -> usize) -> Result<Partial, Fault> {
    let sites = e.sites(sites, None)?;
    let mut index = 0usize;
    for &k in &sites {
        let site = e.basis.site(k);
        let next = index.checked_mul(site.dimension).and_then(|i| i.checked_add(level(site)));
        index = next.ok_or_else(|| {
            let message = "these subsystems have more product states than can be numbered";
            Box::new(Diagnostic::new(Code::TooLarge, span, message).label("prepared here"))
        })?;
    }
    Ok(Partial::new(sites, Form::Pure(vec![(index, ONE)])))
}

fn at_most(n: usize, most: usize, place: &Expr) -> Result<(), Fault> {
    if n <= most {
        return Ok(());
    }
    Err(Diagnostic::new(Code::WrongState, place.span(), format!("{n} excitations are too many: the maximum is {most}"))
        .into())
}

fn fock(e: &Evaluator, site: &Expr, k: usize, quanta: &Expr) -> Result<usize, Fault> {
    if e.basis.site(k).has_spin() {
        return Err(Diagnostic::new(
            Code::WrongState,
            site.span(),
            format!("`{}` is a spin; Fock states are defined for modes", e.basis.site(k).name),
        )
        .into());
    }
    let n = e.count(quanta, 0)?;
    let cutoff = e.basis.site(k).dimension;
    if n >= cutoff {
        return Err(Diagnostic::new(
            Code::WrongState,
            quanta.span(),
            format!("{n} quanta do not fit into {cutoff} Fock states"),
        )
        .label(format!("the highest is {}", cutoff - 1))
        .help("raise the cutoff of the mode")
        .into());
    }
    Ok(n)
}

/// Number of product states that each local state represents.
fn local_copies(site: &Site) -> Vec<f64> {
    (0..site.dimension).map(|k| site.copies(k)).collect()
}

/// The normalised product of local weights.
fn product_of(weights: Vec<Vec<f64>>, span: Span) -> Result<Vec<f64>, Fault> {
    let size: f64 = weights.iter().map(|w| w.len() as f64).product();
    if size > LARGEST_DIAGONAL {
        return Err(too_large(size, span));
    }
    let mut out = vec![1.0];
    for local in weights {
        let sum: f64 = local.iter().sum();
        out = out.iter().flat_map(|x| local.iter().map(move |w| x * w / sum)).collect();
    }
    Ok(out)
}

/// `exp(ratio m)` on every site, `ratio = gamma hbar B0 / kT`, times the number of copies in a collective. With a zero-field splitting of the
/// secular energies `x_m`, `exp(ratio m - hbar x_m / kT)`.
fn thermal(e: &Evaluator, sites: Vec<usize>, span: Span) -> Result<Partial, Fault> {
    let ratios = thermal_ratios(e, span, "`prepare thermal`, unlike `gibbs(H, T)`,")?;
    let mut weights = Vec::with_capacity(sites.len());
    for &k in &sites {
        let site = e.basis.site(k);
        let Some(ratio) = ratios.get(k).copied().flatten().filter(|_| site.has_spin()) else {
            return Err(Diagnostic::new(
                Code::WrongState,
                span,
                format!("`{}` is not a nucleus, so it has no thermal state in a field", site.name),
            )
            .help("declare its isotope (`spin a : 1H`), or prepare `gibbs(H, T)`")
            .into());
        };
        let highest = (0..site.dimension).map(|s| site.twice_m(s).abs()).max().unwrap_or(0) as f64;
        if let Some(exponents) = with_zero_field_splitting(e, k, ratio)? {
            weights.push(exponents.into_iter().map(f64::exp).collect());
            continue;
        }
        // Subtract the largest exponent, which would overflow at a millikelvin.
        let weight = |s: usize| site.copies(s) * (0.5 * (ratio * site.twice_m(s) as f64 - ratio.abs() * highest)).exp();
        weights.push((0..site.dimension).map(weight).collect());
    }
    Ok(Partial::new(sites, Form::Diagonal(product_of(weights, span)?)))
}

/// The exponents of the thermal weights of an electron with a zero-field splitting, the largest 0; `None` without one.
fn with_zero_field_splitting(e: &Evaluator, site: usize, ratio: f64) -> Result<Option<Vec<f64>>, Fault> {
    let Some(levels) = zero_field_levels(e, site)? else { return Ok(None) };
    let temperature = e.experiment.system.temperature.as_ref().map_or(Ok(0.0), |t| e.number(t))?;
    let own = e.basis.site(site);
    let exponent = |(s, x): (usize, &f64)| 0.5 * ratio * own.twice_m(s) as f64 - HBAR * x / (BOLTZMANN * temperature);
    let all: Vec<f64> = levels.iter().enumerate().map(exponent).collect();
    let largest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok(Some(all.into_iter().map(|x| x - largest).collect()))
}

/// `n` specific spins up. The weight of the multiplet J is `copies(J) / C(N, n)`, because all C(N, n) choices of the spins are equivalent
/// for permutation-symmetric operators, and each multiplet with J >= |m| contains as many of them as it has copies.
fn definite(e: &Evaluator, site: &Expr, excitations: &Expr) -> Result<Partial, Fault> {
    let k = e.site(site, None)?;
    let subsystem = e.basis.site(k);
    let SiteKind::Collective { number, twice_spin: 1, multiplets } = &subsystem.kind else {
        return Err(Diagnostic::new(
            Code::WrongState,
            site.span(),
            format!("`{}` is not a collective of spins 1/2, so it has no `definite` state", subsystem.name),
        )
        .into());
    };
    let n = e.count(excitations, 0)?;
    at_most(n, *number as usize, excitations)?;
    let twice_m = 2 * n as i64 - i64::from(*number);
    // Each multiplet in order of decreasing m.
    let of_multiplet = |multiplet: &Multiplet| {
        let (twice_j, copies) = (i64::from(multiplet.twice_j), multiplet.copies);
        (0..=twice_j).map(move |k| if twice_j - 2 * k == twice_m { copies } else { 0.0 })
    };
    let mut weights: Vec<f64> = multiplets.iter().flat_map(of_multiplet).collect();
    let sum: f64 = weights.iter().sum();
    // If all spins are equal, the state is a single state of the symmetric multiplet.
    if let (true, Some(one)) = (n == 0 || n == *number as usize, weights.iter().position(|w| *w != 0.0)) {
        return Ok(Partial::new(vec![k], Form::Pure(vec![(one, ONE)])));
    }
    weights.iter_mut().for_each(|w| *w /= sum);
    Ok(Partial { sites: vec![k], form: Form::Diagonal(weights), averaged: vec![k] })
}

/// One digit per site; multi-digit values are separated by commas.
fn ket(e: &Evaluator, text: &str, span: Span, all: &[usize]) -> Result<usize, Fault> {
    let digits: Vec<String> = if text.contains(',') {
        text.split(',').map(|d| d.trim().to_string()).collect()
    } else {
        text.chars().map(String::from).collect()
    };
    let sites: Vec<&Site> = all.iter().map(|&s| e.basis.site(s)).collect();
    if digits.len() != sites.len() {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let what = if sites.len() == e.basis.sites.len() { "the system" } else { "this reset" };
        let names: Vec<&str> = sites.iter().map(|s| s.name.as_str()).take(12).collect();
        return Err(Diagnostic::new(
            Code::WrongState,
            span,
            format!(
                "the ket \"{text}\" has {}, {what} has {}",
                counted(digits.len(), "digit"),
                counted(sites.len(), "subsystem")
            ),
        )
        .label("one digit for each subsystem")
        .help(format!("in the order of declaration: {}", names.join(", ")))
        .into());
    }
    let mut index = 0;
    for (digit, site) in digits.iter().zip(sites) {
        match digit.parse::<usize>() {
            Ok(d) if d < site.dimension => index = index * site.dimension + d,
            _ => {
                return Err(Diagnostic::new(
                    Code::WrongState,
                    span,
                    format!("`{digit}` is not a state of `{}`", site.name),
                )
                .label(format!("states of `{}` are 0 to {}", site.name, site.dimension - 1))
                .into());
            }
        }
    }
    Ok(index)
}

/// The sites covered by all parts of a mixture or superposition, and the parts with their weights.
type Parts = (Vec<usize>, Vec<(f64, Partial)>);

fn parts_of<'p>(
    e: &Evaluator,
    parts: impl Iterator<Item = (&'p Expr, &'p ir::State)>,
    span: Span,
    cover: &Cover,
) -> Result<Parts, Fault> {
    let parts: Vec<(f64, Partial)> =
        parts.map(|(w, s)| Ok((e.number(w)?, partial(e, s, span, cover)?))).collect::<Result<_, Fault>>()?;
    let Some((_, first)) = parts.first() else {
        return Err(Diagnostic::new(Code::WrongState, span, "there are no states to mix or superpose").into());
    };
    let sites = first.sites.clone();
    if parts.iter().any(|(_, p)| p.sites != sites) {
        return Err(Diagnostic::new(Code::WrongState, span, "all parts must be states of the same subsystems").into());
    }
    Ok((sites, parts))
}

#[expect(
    clippy::indexing_slicing,
    reason = "populations and rho have the joint dimension of the sites that the parts are states of"
)]
fn mixture(e: &Evaluator, parts: &[(Expr, ir::State)], span: Span, cover: &Cover) -> Result<Partial, Fault> {
    let (sites, parts) = parts_of(e, parts.iter().map(|(w, s)| (w, s)), span, cover)?;
    let sum: f64 = parts.iter().map(|(w, _)| w).sum();
    if (sum - 1.0).abs() > 1e-9 || parts.iter().any(|(w, _)| *w < 0.0) {
        return Err(Diagnostic::new(
            Code::WrongState,
            span,
            format!("the weights of a mixture must be non-negative and add up to 1; these add up to {sum}"),
        )
        .into());
    }
    let size: f64 = sites.iter().map(|&s| e.basis.site(s).dimension as f64).product();
    let diagonal = parts.iter().all(|(_, p)| match &p.form {
        Form::Pure(amplitudes) => amplitudes.len() == 1,
        Form::Diagonal(_) => true,
        Form::Mixed(_) | Form::Near(_) => false,
    });
    if size > if diagonal { LARGEST_DIAGONAL } else { LARGEST_PART as f64 } {
        return Err(too_large(size, span));
    }
    let n = size as usize;
    let occupied: Vec<&Partial> = parts.iter().filter(|(w, _)| *w > 0.0).map(|(_, p)| p).collect();
    let mut averaged: Vec<usize> = occupied.iter().flat_map(|p| p.averaged.clone()).collect();
    averaged.sort_unstable();
    averaged.dedup();
    if occupied.len() > 1 && !averaged.is_empty() {
        // The eigenvalues of a mixture are not those of one product state; this is marked by listing the collective again.
        averaged.extend(averaged.clone());
    }
    if diagonal {
        let mut populations = vec![0.0; n];
        for (w, p) in &parts {
            p.form.support().into_iter().for_each(|k| populations[k] += p.form.element(k, k).re * w / sum);
        }
        return Ok(Partial { sites, form: Form::Diagonal(populations), averaged });
    }
    let mut rho = Matrix::zeros(n, n);
    for (w, p) in &parts {
        let support = p.form.support();
        for &j in &support {
            support.iter().for_each(|&i| rho[(i, j)] += p.form.element(i, j) * (w / sum));
        }
    }
    Ok(Partial { sites, form: Form::Mixed(rho), averaged })
}

fn superposition(e: &Evaluator, parts: &[ir::Amplitude], span: Span, cover: &Cover) -> Result<Partial, Fault> {
    let phases: Vec<Option<f64>> =
        parts.iter().map(|p| p.phase.as_ref().map(|x| e.number(x)).transpose()).collect::<Result<_, Fault>>()?;
    let (sites, parts) = parts_of(e, parts.iter().map(|p| (&p.size, &p.state)), span, cover)?;
    let mut sum: BTreeMap<usize, C64> = BTreeMap::new();
    for ((size, part), phase) in parts.iter().zip(phases) {
        let amplitude =
            phase.map_or(real(*size), |phase| C64::new(size * clean(phase.cos()), size * clean(phase.sin())));
        let Form::Pure(v) = &part.form else {
            return Err(Diagnostic::new(Code::WrongState, span, "only pure states can be superposed").into());
        };
        v.iter().for_each(|(k, x)| *sum.entry(*k).or_insert(ZERO) += x * amplitude);
    }
    sum.retain(|_, x| *x != ZERO);
    let norm = Vector::from_iterator(sum.len(), sum.values().copied()).norm();
    if norm <= 1e-300 {
        return Err(Diagnostic::new(Code::WrongState, span, "the superposition is zero").into());
    }
    Ok(Partial::new(sites, Form::Pure(sum.into_iter().map(|(k, x)| (k, x / norm)).collect())))
}
