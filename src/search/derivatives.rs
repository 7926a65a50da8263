//! Derivatives of results with respect to the parameters of a search.

use super::range::Range;
use crate::emulator::{Gradients, NoGradient, Options, Request, ValueAndGradient, Variable};
use crate::hamiltonian::Values;
use crate::ir::Experiment;

/// How derivatives with respect to parameters are computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Derivatives {
    /// With the propagation of the state; numbers of the compiled sequence that are not linear in a parameter to 1e-9.
    Propagated,
    /// By finite differences, for this reason.
    Differences(String),
}

impl Derivatives {
    /// In one line, for the output.
    pub fn text(&self) -> String {
        match self {
            Derivatives::Propagated => "derivatives propagated with the state".into(),
            Derivatives::Differences(why) => format!("derivatives by differences: {why}"),
        }
    }
}

/// Derivatives with respect to all parameters of a search.
pub(super) struct ByRanges<'a> {
    gradients: Gradients<'a>,
}

impl<'a> ByRanges<'a> {
    pub fn new(experiment: &'a Experiment, options: &'a Options, ranges: &[Range]) -> ByRanges<'a> {
        let variable = |r: &Range| Variable { name: r.name.clone(), low: r.low, high: r.high };
        ByRanges { gradients: Gradients::new(experiment, options, ranges.iter().map(variable).collect()) }
    }

    /// The result and its derivatives; `None` where there are none.
    pub fn at(&self, values: &Values, request: &Request) -> Option<ValueAndGradient> {
        self.gradients.at(values, request).ok()
    }

    /// Whether results have derivatives, tried at some points.
    pub fn kind(&self, points: impl Iterator<Item = Values>, request: &Request) -> Derivatives {
        const TRIED: usize = 8;
        let mut why = "the experiment runs at no point that was tried".to_string();
        for values in points.take(TRIED) {
            match self.gradients.at(&values, request) {
                Ok(_) => return Derivatives::Propagated,
                Err(NoGradient::Anywhere(reason)) => return Derivatives::Differences(reason),
                Err(NoGradient::Here) => why = "the result is not smooth at the points that were tried".into(),
                Err(NoGradient::Failed(_)) => {}
            }
        }
        Derivatives::Differences(why)
    }
}
