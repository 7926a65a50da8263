//! What the nodes of the syntax tree consist of.

use super::ast::{Acquire, Name, ParamValue, Project, Repeat, Sampling, SpinKind, Statement};
use super::expr::Expr;

impl ParamValue {
    /// All expressions of the declaration.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            ParamValue::One(value) => vec![value],
            ParamValue::List(values) => values.iter().collect(),
            ParamValue::Random { size, settings, .. } => {
                std::iter::once(size).chain(settings.iter().map(|s| &s.value)).collect()
            }
        }
    }
}

impl SpinKind {
    /// Its isotope, or `e`.
    pub fn symbol(&self) -> Option<&str> {
        match self {
            SpinKind::Twice(_) => None,
            SpinKind::Isotope(symbol) => Some(symbol),
            SpinKind::Electron(_) => Some(crate::spin::ELECTRON.symbol),
        }
    }
}

impl Repeat {
    /// Its expressions: the number of repetitions, or the bounds.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Repeat::Times(count) => vec![count],
            Repeat::Counter(each) => vec![&each.from, &each.to],
        }
    }

    /// The counter.
    pub fn counter(&self) -> Option<&Name> {
        match self {
            Repeat::Times(_) => None,
            Repeat::Counter(each) => Some(&each.index),
        }
    }
}

impl Project {
    /// The written branches: keyword and statements.
    pub fn branches(&self) -> impl Iterator<Item = (&'static str, &[Statement])> {
        [("up", &self.up), ("down", &self.down)].into_iter().filter_map(|(word, body)| Some((word, body.as_deref()?)))
    }
}

impl Acquire {
    /// The dwell time, if it is one of free evolution.
    pub fn dwell(&self) -> Option<&Expr> {
        match &self.sampling {
            Sampling::Dwell(dwell) => Some(dwell),
            Sampling::Every(_) => None,
        }
    }

    /// The cycle between two points; empty for free evolution.
    pub fn cycle(&self) -> &[Statement] {
        match &self.sampling {
            Sampling::Dwell(_) => &[],
            Sampling::Every(cycle) => cycle,
        }
    }
}
