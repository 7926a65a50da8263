//! Initial states.

use super::relaxation::thermal_ratios;
use super::value::{Evaluator, Fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir;
use crate::linalg::{Matrix, ONE, Vector, ZERO, real};
use crate::source::Span;
use crate::spin::{State, gibbs, thermal_product};
use crate::syntax::Expr;
use crate::units::temperature_scale;

/// A state of some subsystems, in ascending order.
struct Partial {
    sites: Vec<usize>,
    state: State,
}

/// The product of the given states; together they must cover every subsystem once.
pub fn prepare(e: &Evaluator, states: &[ir::State], span: Span) -> Result<State, Fault> {
    let parts: Vec<Partial> = states.iter().map(|s| partial(e, s, span)).collect::<Result<_, _>>()?;
    let mut covered = vec![0; e.basis.sites.len()];
    for part in &parts {
        part.sites.iter().for_each(|&s| covered[s] += 1);
    }
    if let Some(site) = covered.iter().position(|&n| n != 1) {
        let name = &e.basis.sites[site].name;
        let message = if covered[site] == 0 {
            format!("no state is given for `{name}`")
        } else {
            format!("more than one state is given for `{name}`")
        };
        return Err(Diagnostic::new(Code::WrongState, span, message)
            .label("the states must cover every subsystem once")
            .help("whole-system states (thermal, mixed, gibbs, ket) stand alone; up, down, fock and dicke are of one subsystem each")
            .into());
    }
    Ok(joined(e, parts))
}

/// The product of states of different subsystems.
fn joined(e: &Evaluator, mut parts: Vec<Partial>) -> State {
    if parts.len() == 1 && parts[0].sites.len() == e.basis.sites.len() {
        return parts.remove(0).state;
    }
    let n = e.basis.dimension();
    let dimensions = e.basis.dimensions();
    // For each part, the index of its local state in every state of the whole.
    let local: Vec<Vec<usize>> = parts
        .iter()
        .map(|part| {
            (0..n)
                .map(|index| {
                    let digits = e.basis.digits(index);
                    part.sites.iter().fold(0, |i, &s| i * dimensions[s] + digits[s])
                })
                .collect()
        })
        .collect();
    if parts.iter().all(|p| matches!(p.state, State::Pure(_))) {
        let psi = Vector::from_fn(n, |i, _| {
            parts.iter().zip(&local).fold(ONE, |product, (part, l)| match &part.state {
                State::Pure(psi) => product * psi[l[i]],
                State::Mixed(_) => product,
            })
        });
        return State::Pure(psi);
    }
    let densities: Vec<Matrix> = parts.iter().map(|p| p.state.density()).collect();
    State::Mixed(Matrix::from_fn(n, n, |i, j| {
        densities
            .iter()
            .zip(&local)
            .fold(ONE, |product, (rho, l)| if product == ZERO { ZERO } else { product * rho[(l[i], l[j])] })
    }))
}

fn partial(e: &Evaluator, state: &ir::State, span: Span) -> Result<Partial, Fault> {
    let all: Vec<usize> = (0..e.basis.sites.len()).collect();
    let one = |site: &Expr, level: usize| -> Result<Partial, Fault> {
        let site = e.site(site, None)?;
        Ok(Partial { sites: vec![site], state: basis_state(e.basis.sites[site].dimension, level) })
    };
    Ok(match state {
        ir::State::Thermal => {
            let ratios = thermal_ratios(e, span, "`prepare thermal`")?;
            if let Some(site) = e.basis.sites.iter().find(|s| s.isotope.is_none() || s.twice_spin().is_none()) {
                return Err(Diagnostic::new(
                    Code::WrongState,
                    span,
                    format!("`{}` is no nucleus, so it has no thermal state in a field", site.name),
                )
                .help("name its isotope (`spin a : 1H`), or prepare `gibbs(H, T)`")
                .into());
            }
            Partial { sites: all, state: State::Mixed(thermal_product(&e.basis, &ratios)) }
        }
        ir::State::Mixed => {
            let n = e.basis.dimension();
            Partial { sites: all, state: State::Mixed(Matrix::identity(n, n) * real(1.0 / n as f64)) }
        }
        ir::State::Gibbs { hamiltonian, temperature } => {
            let h = e.hamiltonian(hamiltonian)?;
            let t = e.number(temperature)?;
            if t < 0.0 {
                return Err(Diagnostic::new(
                    Code::OutOfRange,
                    temperature.span(),
                    format!("a temperature is not negative, this is {t}"),
                )
                .help("the inverted state is the Gibbs state of `-H`")
                .into());
            }
            let rho = gibbs(&h.matrix(), t * temperature_scale(e.scope.units)).map_err(|error| {
                Diagnostic::new(
                    Code::NotConverged,
                    hamiltonian.span(),
                    format!("the Gibbs state cannot be computed: {error}"),
                )
            })?;
            Partial { sites: all, state: State::Mixed(rho) }
        }
        ir::State::Ket { digits, place } => Partial { sites: all, state: ket(e, digits, place.0.unwrap_or(span))? },
        ir::State::Up { site } => {
            let k = e.site(site, None)?;
            let top = if e.basis.sites[k].twice_spin().is_none() { e.basis.sites[k].dimension - 1 } else { 0 };
            one(site, top)?
        }
        ir::State::Down { site } => {
            let k = e.site(site, None)?;
            let bottom = if e.basis.sites[k].twice_spin().is_none() { 0 } else { e.basis.sites[k].dimension - 1 };
            one(site, bottom)?
        }
        ir::State::Fock { site, quanta } => {
            let k = e.site(site, None)?;
            if e.basis.sites[k].twice_spin().is_some() {
                return Err(Diagnostic::new(
                    Code::WrongState,
                    site.span(),
                    format!("`{}` is a spin; Fock states belong to a mode", e.basis.sites[k].name),
                )
                .into());
            }
            let n = e.count(quanta, 0)?;
            let cutoff = e.basis.sites[k].dimension;
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
            one(site, n)?
        }
        ir::State::Dicke { site, excitations } => {
            let k = e.site(site, None)?;
            let Some(twice) = e.basis.sites[k].twice_spin() else {
                return Err(
                    Diagnostic::new(Code::WrongState, site.span(), "a mode has Fock states, not Dicke states").into()
                );
            };
            let n = e.count(excitations, 0)?;
            if n > twice as usize {
                return Err(Diagnostic::new(
                    Code::WrongState,
                    excitations.span(),
                    format!("{n} excitations do not fit: {twice} is the most"),
                )
                .into());
            }
            one(site, twice as usize - n)?
        }
        ir::State::Mix(parts) => mixture(e, parts, span)?,
        ir::State::Superposition(parts) => superposition(e, parts, span)?,
    })
}

fn basis_state(dimension: usize, level: usize) -> State {
    State::Pure(Vector::from_fn(dimension, |i, _| if i == level { ONE } else { ZERO }))
}

/// One digit a subsystem; digits of several figures are separated by commas.
fn ket(e: &Evaluator, text: &str, span: Span) -> Result<State, Fault> {
    let digits: Vec<String> = if text.contains(',') {
        text.split(',').map(|d| d.trim().to_string()).collect()
    } else {
        text.chars().map(String::from).collect()
    };
    let sites = &e.basis.sites;
    if digits.len() != sites.len() {
        let names: Vec<&str> = sites.iter().map(|s| s.name.as_str()).take(12).collect();
        return Err(Diagnostic::new(
            Code::WrongState,
            span,
            format!("the ket \"{text}\" has {} digits, the system {} subsystems", digits.len(), sites.len()),
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
                    format!("`{digit}` is no state of `{}`", site.name),
                )
                .label(format!("states of `{}` are 0 to {}", site.name, site.dimension - 1))
                .into());
            }
        }
    }
    Ok(basis_state(e.basis.dimension(), index))
}

fn parts_of(e: &Evaluator, parts: &[(Expr, ir::State)], span: Span) -> Result<Vec<(f64, Partial)>, Fault> {
    let parts: Vec<(f64, Partial)> =
        parts.iter().map(|(w, s)| Ok((e.number(w)?, partial(e, s, span)?))).collect::<Result<_, Fault>>()?;
    if parts.iter().any(|(_, p)| p.sites != parts[0].1.sites) {
        return Err(Diagnostic::new(Code::WrongState, span, "all parts must be states of the same subsystems").into());
    }
    Ok(parts)
}

fn mixture(e: &Evaluator, parts: &[(Expr, ir::State)], span: Span) -> Result<Partial, Fault> {
    let parts = parts_of(e, parts, span)?;
    let sum: f64 = parts.iter().map(|(w, _)| w).sum();
    if (sum - 1.0).abs() > 1e-9 || parts.iter().any(|(w, _)| *w < 0.0) {
        return Err(Diagnostic::new(
            Code::WrongState,
            span,
            format!("the weights of a mixture are not negative and add up to 1; these add up to {sum}"),
        )
        .into());
    }
    let sites = parts[0].1.sites.clone();
    let n = parts[0].1.state.dimension();
    let rho = parts.iter().fold(Matrix::zeros(n, n), |rho, (w, p)| rho + p.state.density().map(|x| x * *w / sum));
    Ok(Partial { sites, state: State::Mixed(rho) })
}

fn superposition(e: &Evaluator, parts: &[(Expr, ir::State)], span: Span) -> Result<Partial, Fault> {
    let parts = parts_of(e, parts, span)?;
    let sites = parts[0].1.sites.clone();
    let mut psi = Vector::zeros(parts[0].1.state.dimension());
    for (amplitude, part) in &parts {
        let State::Pure(v) = &part.state else {
            return Err(Diagnostic::new(Code::WrongState, span, "only pure states can be superposed").into());
        };
        psi += v.map(|x| x * *amplitude);
    }
    let norm = psi.norm();
    if norm <= 1e-300 {
        return Err(Diagnostic::new(Code::WrongState, span, "the superposition is zero").into());
    }
    Ok(Partial { sites, state: State::Pure(psi.map(|x| x / norm)) })
}
