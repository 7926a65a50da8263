//! What is the same at every point of the parameters: what names mean, and operators in which no parameter stands.
//!
//! `D * (X(a)*Y(b) - Y(a)*X(b))` is a number times an operator that a sweep over D need not make again. Such parts of the
//! expressions of an experiment are found once, made when they are first met, and then taken as they are.

use super::value::{Terms, TimeOperator};
use crate::ir::{Event, EventKind, Experiment, Scope, SiteDeclaration, State};
use crate::spin::{Basis, LocalKind, Site};
use crate::syntax::{Expr, ExprKind};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// What all points of an experiment share.
pub struct Shared<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// What its names mean.
    pub scope: Arc<Scope>,
    /// Constant operators by the place of their expression in memory. Only expressions inside of the experiment are here, which is
    /// borrowed as long as this lives, so nothing else can come to lie in such a place.
    constants: HashMap<usize, OnceLock<TimeOperator>>,
    /// The Hamiltonians of `evolve` in which no parameter stands, by the same places.
    evolutions: HashMap<usize, OnceLock<Terms>>,
    /// What one unit of a Hamiltonian is in rad/s, by the same places: that follows from its kind alone.
    factors: HashMap<usize, OnceLock<f64>>,
    /// The basis of the first point.
    first: OnceLock<Arc<Basis>>,
}

impl<'a> Shared<'a> {
    /// That of an experiment.
    pub fn of(experiment: &'a Experiment) -> Shared<'a> {
        let mut shared = Shared {
            experiment,
            scope: Arc::new(experiment.scope()),
            constants: HashMap::new(),
            evolutions: HashMap::new(),
            factors: HashMap::new(),
            first: OnceLock::new(),
        };
        let mut all: Vec<&Expr> = experiment.hamiltonians.iter().map(|h| &h.value).collect();
        experiment.sequence.iter().for_each(|event| operators(event, &mut |expr| all.push(expr)));
        all.extend(experiment.battery.as_ref().map(|b| &b.energy));
        let fixed = experiment.system.sites.iter().all(has_fixed_size);
        for expr in all {
            shared.factors.insert(place(expr), OnceLock::new());
            if fixed {
                find(expr, experiment, &mut shared.constants);
            }
            if fixed && is_constant(expr, experiment, &mut vec![]) == Some(true) {
                shared.evolutions.insert(place(expr), OnceLock::new());
            }
        }
        shared
    }

    /// The basis of some subsystems: that of the first point where they are the same, so that operators are shared.
    pub(super) fn basis(&self, sites: Vec<Site>) -> Arc<Basis> {
        let first = self.first.get_or_init(|| Arc::new(Basis::new(sites.clone())));
        if first.sites == sites { first.clone() } else { Arc::new(Basis::new(sites)) }
    }

    /// Where the terms of the Hamiltonian of an `evolve` are kept, if they are constant.
    pub(super) fn evolution(&self, expr: &Expr) -> Option<&OnceLock<Terms>> {
        self.evolutions.get(&place(expr))
    }

    /// Where it is kept what one unit of a Hamiltonian is in rad/s.
    pub(super) fn factor(&self, expr: &Expr) -> Option<&OnceLock<f64>> {
        self.factors.get(&place(expr))
    }

    /// Where the operator of an expression is kept, if it is constant.
    pub(super) fn constant(&self, expr: &Expr) -> Option<&OnceLock<TimeOperator>> {
        match expr.kind {
            ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Call(..) | ExprKind::Over(_) => {
                self.constants.get(&place(expr))
            }
            _ => None,
        }
    }
}

/// Where an expression lies in memory.
fn place(expr: &Expr) -> usize {
    std::ptr::from_ref(expr).addr()
}

/// Whether the number of states does not depend on parameters.
fn has_fixed_size(declaration: &SiteDeclaration) -> bool {
    let fixed = |expr: &Expr| matches!(expr.kind, ExprKind::Number(_));
    match declaration {
        SiteDeclaration::Spin { size, .. } => size.as_ref().is_none_or(fixed),
        SiteDeclaration::Collective { number, .. } => fixed(number),
        SiteDeclaration::Mode { cutoff, .. } => fixed(cutoff),
    }
}

/// The operators of events.
fn operators<'a>(event: &'a Event, found: &mut impl FnMut(&'a Expr)) {
    match &event.kind {
        EventKind::Evolve { hamiltonian, .. } | EventKind::Dephase { hamiltonian } => found(hamiltonian),
        EventKind::Prepare(states) => {
            for state in states {
                if let State::Gibbs { hamiltonian, .. } | State::HighTemperature { hamiltonian, .. } = state {
                    found(hamiltonian);
                }
            }
        }
        EventKind::Loop { body, .. } => body.iter().for_each(|event| operators(event, found)),
        EventKind::Pulse(_)
        | EventKind::Delay { .. }
        | EventKind::Gradient { .. }
        | EventKind::Lock(_)
        | EventKind::Crush { .. }
        | EventKind::Mark { .. }
        | EventKind::Acquire { .. }
        | EventKind::Tomography(_)
        | EventKind::Parallel { .. } => {}
    }
}

/// The largest parts of an expression that are constant operators.
fn find(expr: &Expr, experiment: &Experiment, out: &mut HashMap<usize, OnceLock<TimeOperator>>) {
    if is_constant(expr, experiment, &mut vec![]) == Some(true) {
        out.insert(place(expr), OnceLock::new());
        return;
    }
    // An index means something else at every turn of a sum, so nothing inside of one is constant by itself.
    if !matches!(expr.kind, ExprKind::Over(_)) {
        expr.children().into_iter().for_each(|child| find(child, experiment, out));
    }
}

/// Whether a constant expression is an operator; `None` where it is not constant.
fn is_constant<'e>(expr: &'e Expr, experiment: &Experiment, indices: &mut Vec<&'e str>) -> Option<bool> {
    let any = |items: Vec<&'e Expr>, indices: &mut Vec<&'e str>| -> Option<bool> {
        items.into_iter().try_fold(false, |any, item| Some(is_constant(item, experiment, indices)? | any))
    };
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Quantity(..) => any(expr.children(), indices),
        ExprKind::Name(name) if indices.contains(&name.as_str()) || name == "pi" => Some(false),
        ExprKind::Name(name) => {
            let named = experiment.hamiltonians.iter().find(|h| h.name == *name)?;
            is_constant(&named.value, experiment, &mut vec![])
        }
        // Its arguments are subsystems; an index in them may be a sum's, but no parameter.
        ExprKind::Call(name, items) if LocalKind::named(name).is_some() => {
            let sites = |item: &'e Expr, indices: &mut Vec<&'e str>| match &item.kind {
                ExprKind::Name(name) => experiment.system.sites.iter().any(|s| s.name() == name).then_some(()),
                ExprKind::Index(_, index) => is_constant(index, experiment, indices).map(|_| ()),
                _ => None,
            };
            items.iter().try_for_each(|item| sites(item, indices))?;
            Some(true)
        }
        ExprKind::Call(..) => None,
        ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Power(..) => any(expr.children(), indices),
        ExprKind::Over(sum) => {
            any(vec![&sum.from, &sum.to], indices)?;
            indices.push(&sum.index);
            let body = any(vec![&sum.body], indices);
            indices.pop();
            body
        }
        ExprKind::Index(..) | ExprKind::Tuple(_) | ExprKind::Text(_) | ExprKind::Isotope(_) | ExprKind::Member(..) => {
            None
        }
    }
}
