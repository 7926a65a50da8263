//! Resets: the state that some subsystems are put in during a sequence.

use super::form::{Form, Partial};
use super::parts_on;
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::schedule::Reset;
use crate::hamiltonian::{Evaluator, Fault};
use crate::ir;
use crate::linalg::{Matrix, ONE, ZERO};
use crate::source::Place;
use crate::spin::{Basis, Local, Operator, SiteKind};
use crate::syntax::Expr;
use std::sync::Arc;

/// Largest number of states of the subsystems of one reset.
const LARGEST: usize = 256;

/// The reset of `sites` to a product of states, which must cover them once and nothing else.
///
/// # Errors
/// If they do not, a subsystem is a collective, a value is out of range, or the state is too large.
pub fn reset(e: &Evaluator, sites: &[Expr], states: &[ir::State], place: Place) -> Result<Reset, Fault> {
    let span = place.span();
    let mut all = Vec::new();
    for expr in sites {
        for k in e.sites(expr, None)? {
            let site = e.basis.site(k);
            if matches!(site.kind, SiteKind::Collective { .. }) {
                let message = format!("`{}` is a collective, which cannot be reset", site.name);
                return Err(Diagnostic::new(Code::WrongState, expr.span(), message)
                    .label("kept in the multiplets of the prepared state")
                    .help("declare its spins one by one: `spin s[n] : 1/2`")
                    .into());
            }
            if all.contains(&k) {
                let message = format!("`{}` is named twice in this reset", site.name);
                return Err(Diagnostic::new(Code::DefinedTwice, expr.span(), message)
                    .label("each subsystem once")
                    .into());
            }
            all.push(k);
        }
    }
    all.sort_unstable();
    let parts = parts_on(e, states, span, &all, false)?;
    covers(e, &parts, &all, place)?;
    let size: f64 = all.iter().map(|&s| e.basis.site(s).dimension as f64).product();
    if size > LARGEST as f64 {
        return Err(Diagnostic::new(
            Code::TooLarge,
            span,
            format!("a reset of {} states; {LARGEST} is the most", crate::syntax::number_text(size)),
        )
        .label("too many at once")
        .help("reset the subsystems one after the other where their states are independent")
        .into());
    }
    let inside = Basis::new(all.iter().map(|&s| e.basis.site(s).clone()).collect());
    let state = density(&inside, &parts, &all);
    let moves = all.iter().enumerate().map(|(k, &site)| leads_to(e, &inside, &state, k, site)).collect();
    Ok(Reset { sites: all, state: Arc::new(state), moves, place })
}

/// Checks that the states are of the sites of the reset, each once.
fn covers(e: &Evaluator, parts: &[Partial], all: &[usize], place: Place) -> Result<(), Fault> {
    let wrong = |message: String| {
        Err(Diagnostic::new(Code::WrongState, place.span(), message)
            .label("the states of a `reset` cover what it names once, and nothing else")
            .into())
    };
    let covered = || parts.iter().flat_map(|p| &p.sites);
    if let Some(other) = covered().find(|s| !all.contains(s)) {
        return wrong(format!("a state is given for `{}`, which is not reset here", e.basis.site(*other).name));
    }
    for site in all {
        let name = &e.basis.site(*site).name;
        match covered().filter(|s| *s == site).count() {
            0 => return wrong(format!("no state is given for `{name}`")),
            1 => {}
            _ => return wrong(format!("more than one state is given for `{name}`")),
        }
    }
    Ok(())
}

/// The density matrix of a product of parts on the basis of the sites `all`.
#[expect(
    clippy::indexing_slicing,
    reason = "each part has a local index for every state, and its sites are among `all`"
)]
fn density(inside: &Basis, parts: &[Partial], all: &[usize]) -> Matrix {
    let n = inside.dimension();
    let local = |part: &Partial, k: usize| {
        let digits = inside.digits(k);
        part.sites.iter().fold(0, |index, site| {
            let at = all.iter().position(|s| s == site).unwrap_or(0);
            index * inside.site(at).dimension + digits[at]
        })
    };
    let indices: Vec<(&Form, Vec<usize>)> =
        parts.iter().map(|p| (&p.form, (0..n).map(|k| local(p, k)).collect())).collect();
    Matrix::from_fn(n, n, |i, j| indices.iter().fold(ONE, |product, (form, l)| product * form.element(l[i], l[j])))
}

/// An operator on one site of a reset, with elements from every state to those that are occupied afterwards.
#[expect(clippy::indexing_slicing, reason = "a state has a digit for every site of its basis")]
fn leads_to(e: &Evaluator, inside: &Basis, state: &Matrix, k: usize, site: usize) -> Operator {
    let n = e.basis.site(site).dimension;
    let occupied =
        |level: usize| (0..inside.dimension()).any(|s| inside.digits(s)[k] == level && state[(s, s)] != ZERO);
    let map = Matrix::from_fn(n, n, |i, _| if occupied(i) { ONE } else { ZERO });
    Operator::local(&e.basis, site, Local::from_matrix(&map))
}
