//! What does not depend on parameters: the meaning of names, and operators without parameters.
//!
//! `D * (X(a)*Y(b) - Y(a)*X(b))` is a number times an operator that a sweep over D need not rebuild. Such constant subexpressions are
//! located once, built on first use, and then reused.

use super::value::{Terms, TimeOperator};
use crate::ir::{Event, EventKind, Experiment, Scope, SiteDeclaration, State};
use crate::spin::{Basis, LocalKind, Site};
use crate::syntax::{Expr, ExprKind};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

/// An expression by its identity: the same text at two places may have two meanings, that of an index among them. The borrow keeps it where
/// it is.
#[derive(Clone, Copy)]
struct ExprId<'a>(&'a Expr);

impl PartialEq for ExprId<'_> {
    fn eq(&self, other: &ExprId) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

impl Eq for ExprId<'_> {}

impl Hash for ExprId<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self.0, state);
    }
}

/// What all points of an experiment have in common.
pub struct Invariants<'a> {
    /// The experiment.
    pub experiment: &'a Experiment,
    /// The meaning of its names.
    pub scope: Arc<Scope>,
    /// Parameter-free operators.
    constants: HashMap<ExprId<'a>, OnceLock<TimeOperator>>,
    /// Parameter-free Hamiltonians of `evolve`.
    evolutions: HashMap<ExprId<'a>, OnceLock<Terms>>,
    /// Factors from the units of Hamiltonians to rad/s, which depend only on the kind of expression.
    factors: HashMap<ExprId<'a>, OnceLock<f64>>,
    /// The basis of the first point.
    first: OnceLock<Arc<Basis>>,
}

impl<'a> Invariants<'a> {
    /// Prepares an experiment.
    pub fn of(experiment: &'a Experiment) -> Invariants<'a> {
        let mut invariants = Invariants {
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
        let names = Names::of(experiment);
        for expr in all {
            invariants.factors.insert(ExprId(expr), OnceLock::new());
            if fixed {
                find(expr, &names, &mut invariants.constants);
            }
            if fixed && is_constant(expr, &names, &mut vec![]) == Some(true) {
                invariants.evolutions.insert(ExprId(expr), OnceLock::new());
            }
        }
        invariants
    }

    /// A basis for these sites: that of the first point if the sites are equal, so that operators are built once.
    pub(super) fn basis(&self, sites: Vec<Site>) -> Arc<Basis> {
        let first = self.first.get_or_init(|| Arc::new(Basis::new(sites.clone())));
        if first.sites == sites { first.clone() } else { Arc::new(Basis::new(sites)) }
    }

    /// Storage for the terms of the Hamiltonian of an `evolve`, if they are constant.
    pub(super) fn evolution<'s>(&'s self, expr: &'s Expr) -> Option<&'s OnceLock<Terms>> {
        self.evolutions.get(&ExprId(expr))
    }

    /// Storage for the factor from the units of a Hamiltonian to rad/s.
    pub(super) fn factor<'s>(&'s self, expr: &'s Expr) -> Option<&'s OnceLock<f64>> {
        self.factors.get(&ExprId(expr))
    }

    /// Storage for the operator of an expression, if it is constant.
    pub(super) fn constant<'s>(&'s self, expr: &'s Expr) -> Option<&'s OnceLock<TimeOperator>> {
        match expr.kind {
            ExprKind::Sum(_) | ExprKind::Product(_) | ExprKind::Call(..) | ExprKind::Over(_) => {
                self.constants.get(&ExprId(expr))
            }
            _ => None,
        }
    }
}

/// True if the number of states does not depend on parameters.
fn has_fixed_size(declaration: &SiteDeclaration) -> bool {
    let fixed = |expr: &Expr| matches!(expr.kind, ExprKind::Number(_));
    match declaration {
        SiteDeclaration::Spin { size, .. } => size.as_ref().is_none_or(fixed),
        SiteDeclaration::Collective { number, .. } => fixed(number),
        SiteDeclaration::Mode { cutoff, .. } => fixed(cutoff),
    }
}

/// Calls `found` for the operators of an event.
fn operators<'a>(event: &'a Event, found: &mut impl FnMut(&'a Expr)) {
    match &event.kind {
        EventKind::Read { observable, .. } => found(observable),
        EventKind::Evolve { hamiltonian, .. } | EventKind::Dephase { hamiltonian } => found(hamiltonian),
        EventKind::Compile(compile) => found(&compile.hamiltonian),
        EventKind::Prepare(states) | EventKind::Reset { states, .. } => {
            for state in states {
                if let State::Gibbs { hamiltonian, .. }
                | State::HighTemperature { hamiltonian, .. }
                | State::SteadyState { hamiltonian, .. } = state
                {
                    found(hamiltonian);
                }
            }
        }
        EventKind::Loop { body, .. } => body.iter().for_each(|event| operators(event, found)),
        EventKind::Project { up, down, .. } => up.iter().chain(down).for_each(|event| operators(event, found)),
        EventKind::Pulse(_)
        | EventKind::Delay { .. }
        | EventKind::Gradient { .. }
        | EventKind::Lock(_)
        | EventKind::Crush { .. }
        | EventKind::Mark { .. }
        | EventKind::Acquire { .. }
        | EventKind::Tomography(_)
        | EventKind::Parallel { .. }
        | EventKind::Decouple(_)
        | EventKind::EndDecoupling { .. } => {}
    }
}

/// The largest parts of an expression that are constant operators.
fn find<'a>(expr: &'a Expr, names: &Names, out: &mut HashMap<ExprId<'a>, OnceLock<TimeOperator>>) {
    if is_constant(expr, names, &mut vec![]) == Some(true) {
        out.insert(ExprId(expr), OnceLock::new());
        return;
    }
    // The value of an index changes within a sum, so nothing inside one is constant by itself.
    if !matches!(expr.kind, ExprKind::Over(_)) {
        expr.children().into_iter().for_each(|child| find(child, names, out));
    }
}

/// What names stand for, as far as constant operators go.
struct Names<'a> {
    experiment: &'a Experiment,
    /// The named Hamiltonians that are constant, and whether they are operators. Each is looked at once, however often it is named.
    constants: HashMap<&'a str, bool>,
}

impl<'a> Names<'a> {
    fn of(experiment: &'a Experiment) -> Names<'a> {
        let mut names = Names { experiment, constants: HashMap::new() };
        // Each needs only those before it.
        for named in &experiment.hamiltonians {
            if let Some(operator) = is_constant(&named.value, &names, &mut vec![]) {
                names.constants.insert(&named.name, operator);
            }
        }
        names
    }
}

/// Whether a constant expression is an operator; `None` where it is not constant.
fn is_constant<'e>(expr: &'e Expr, names: &Names, indices: &mut Vec<&'e str>) -> Option<bool> {
    let any = |items: Vec<&'e Expr>, indices: &mut Vec<&'e str>| -> Option<bool> {
        items.into_iter().try_fold(false, |any, item| Some(is_constant(item, names, indices)? | any))
    };
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Quantity(..) => any(expr.children(), indices),
        ExprKind::Name(name) if indices.contains(&name.as_str()) || name == "pi" => Some(false),
        ExprKind::Name(name) => names.constants.get(name.as_str()).copied(),
        // Its arguments are subsystems; an index in them may be a sum's, but no parameter.
        ExprKind::Call(name, items) if LocalKind::named(name).is_some() => {
            let sites = |item: &'e Expr, indices: &mut Vec<&'e str>| match &item.kind {
                ExprKind::Name(name) => names.experiment.system.sites.iter().any(|s| s.name() == name).then_some(()),
                ExprKind::Index(_, index) => is_constant(index, names, indices).map(|_| ()),
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
