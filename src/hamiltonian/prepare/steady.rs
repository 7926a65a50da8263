//! Steady states: `L rho = 0` for the Lindbladian of a constant Hamiltonian.
//!
//! With `rho = 1/d + D`, `Tr[D] = 0`, the deviation solves `(L + s v v^dagger) D = -L(1)/d`, `v = vec(1)/sqrt(d)`, by an LU decomposition on
//! Liouville space. The matrix is singular exactly if L has another zero eigenvalue, that is if more than one state is steady.

use super::form::{Form, Partial};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::dissipators;
use crate::hamiltonian::schedule::Relaxing;
use crate::hamiltonian::{Evaluator, Fault};
use crate::linalg::{I, Lu, Matrix, Vector, hermitian_part, hermitian_values, identity, kron, one_norm, product, real};
use crate::source::Span;
use crate::spin::{Operator, SiteKind, reduce};
use crate::syntax::Expr;

/// Largest number of states: the Lindbladian has the square of it.
const LARGEST: usize = 48;

/// An eigenvalue of the Lindbladian below this fraction of its norm counts as another zero.
const ZERO_RATE: f64 = 1e-11;

/// Largest population of the highest Fock state of a mode; beyond it the cutoff changes the state.
const MOST_AT_CUTOFF: f64 = 1e-6;

/// The steady state of the whole system.
///
/// # Errors
/// If it is not unique, the system is too large or has a collective, or the cutoff of a mode is too low.
pub(super) fn steady_state(
    e: &Evaluator,
    hamiltonian: &Expr,
    noise: Option<&str>,
    span: Span,
    alone: bool,
) -> Result<Partial, Fault> {
    let wrong = |message: String| Diagnostic::new(Code::WrongState, span, message);
    if !alone {
        return Err(wrong("a steady state is one of the whole system".into())
            .label("stands alone in `prepare`")
            .help("leave the other states out; `reset` puts single subsystems in another state afterwards")
            .into());
    }
    if let Some(site) = e.basis.sites.iter().find(|s| matches!(s.kind, SiteKind::Collective { .. })) {
        return Err(wrong(format!(
            "`{}` is a collective, whose multiplets are conserved: it has no single steady state",
            site.name
        ))
        .help("declare its spins one by one: `spin s[n] : 1/2`")
        .into());
    }
    let n = e.basis.size();
    if n > LARGEST as f64 {
        let message = format!("steady states are computed for up to {LARGEST} states, the system has {n}");
        return Err(Diagnostic::new(Code::TooLarge, span, message)
            .label("too large")
            .help("evolve for a time that is long beside the relaxation: `evolve H for T with noise`")
            .into());
    }
    let h = e.hamiltonian(hamiltonian)?;
    let mut relaxing = dissipators::relaxing(e, None)?;
    if let Some(name) = noise {
        dissipators::noise(e, name, span, &mut relaxing)?;
    }
    if let Some(changing) = relaxing.changing.first() {
        return Err(Diagnostic::new(Code::Contradiction, span, "this noise changes with time, so no state is steady")
            .label("needs constant rates")
            .related(changing.stated.unwrap_or(span), "a rate that depends on time")
            .into());
    }
    if relaxing.is_empty() {
        return Err(wrong("nothing relaxes here: every state that commutes with the Hamiltonian is steady".into())
            .label("no relaxation and no noise")
            .help("name a noise, `steady_state(H, noise)`, or give the system `relax`")
            .into());
    }
    let l = lindbladian(&h.matrix(), &relaxing);
    let Some(rho) = null_state(&l) else {
        return Err(wrong("more than one state is steady here".into())
            .label(conserved(e, &h, &relaxing))
            .help("give what is conserved a relaxation of its own, or prepare a state and evolve for a long time")
            .into());
    };
    let lowest = hermitian_values(&rho).map_err(|error| wrong(error.to_string()))?.first().copied().unwrap_or(0.0);
    if !lowest.is_finite() || lowest < -1e-9 {
        return Err(Diagnostic::new(
            Code::NotConverged,
            span,
            "the steady state is not found to the accuracy of a density matrix",
        )
        .into());
    }
    check_cutoffs(e, &rho, span)?;
    Ok(Partial::new((0..e.basis.sites.len()).collect(), Form::Mixed(rho)))
}

/// `L = -i [H, .] + sum_c (c . c^dagger - {c^dagger c, .}/2) - Tr[G .] H_D`, on density matrices stacked by columns.
fn lindbladian(h: &Matrix, relaxing: &Relaxing) -> Matrix {
    let one = identity(h.nrows());
    let collapse: Vec<Matrix> = relaxing.collapse.iter().map(Operator::matrix).collect();
    let mut effective = h.map(|x| -I * x);
    for c in &collapse {
        effective -= product(&c.adjoint(), c) * real(0.5);
    }
    let mut l = kron(&one, &effective) + kron(&effective.conjugate(), &one);
    for c in &collapse {
        l += kron(&c.conjugate(), c);
    }
    if let Some(order) = &relaxing.order {
        let stacked = |o: &Operator| Vector::from_column_slice(o.matrix().as_slice());
        l -= stacked(&order.hamiltonian) * stacked(&order.lost).adjoint();
    }
    l
}

/// The only density matrix with `L rho = 0`; `None` if there are several.
fn null_state(l: &Matrix) -> Option<Matrix> {
    let n = (l.nrows() as f64).sqrt().round() as usize;
    let trace = Vector::from_column_slice(identity(n).as_slice());
    let scale = one_norm(l);
    let bordered = l + &trace * trace.adjoint() * real(scale / n as f64);
    let lu = Lu::of(&bordered);
    // Inverse iteration: the smallest eigenvalue of the bordered matrix.
    let mut x = Vector::from_fn(l.nrows(), |k, _| {
        crate::linalg::C64::new(1.0 + (k as f64 * 0.7).sin(), (k as f64 * 1.3).cos())
    });
    for _ in 0..40 {
        let size = x.norm();
        x = lu.solve(&(x / real(size)));
        if !x.norm().is_finite() || x.norm() * scale > 1.0 / ZERO_RATE {
            return None;
        }
    }
    let drift = -(l * &trace) / real(n as f64);
    let mut deviation = lu.solve(&drift);
    let residual = &drift - &bordered * &deviation;
    deviation += lu.solve(&residual);
    let mut rho = hermitian_part(&Matrix::from_column_slice(n, n, deviation.as_slice()));
    crate::linalg::add_to_diagonal(&mut rho, real(1.0 / n as f64));
    Some(rho)
}

/// What is conserved, in words.
fn conserved(e: &Evaluator, h: &Operator, relaxing: &Relaxing) -> String {
    let acting: Vec<usize> = relaxing.collapse.iter().chain([h]).flat_map(Operator::support).collect();
    let idle: Vec<String> = e
        .basis
        .sites
        .iter()
        .enumerate()
        .filter(|(k, _)| !acting.contains(k))
        .map(|(_, s)| format!("`{}`", s.name))
        .collect();
    if idle.is_empty() {
        "the Hamiltonian and the relaxation conserve something".into()
    } else {
        format!("nothing acts on {}", idle.join(", "))
    }
}

/// Checks that the highest Fock states of all modes are empty.
#[expect(clippy::indexing_slicing, reason = "the reduced state has a row for every Fock state")]
fn check_cutoffs(e: &Evaluator, rho: &Matrix, span: Span) -> Result<(), Fault> {
    let dimensions = e.basis.dimensions();
    for (k, site) in e.basis.sites.iter().enumerate().filter(|(_, s)| s.kind == SiteKind::Mode) {
        let top = site.dimension - 1;
        let population = reduce(rho, &dimensions, &[k])[(top, top)].re;
        if population > MOST_AT_CUTOFF {
            let message = format!("{} Fock states are too few for `{}` in its steady state", site.dimension, site.name);
            return Err(Diagnostic::new(Code::CutoffTooLow, span, message)
                .label(format!(
                    "the highest of them is occupied to {population:.1e}, at most {MOST_AT_CUTOFF:e} is allowed"
                ))
                .help("raise the cutoff until the result no longer depends on it")
                .into());
        }
    }
    Ok(())
}
