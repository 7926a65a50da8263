//! Phases: axes, angles, and angles in which phase cycles stand.

use super::{Evaluator, Fault, Local};
use crate::budget::MEMBERS;
use crate::ir::{Cycle, phase_of_word, scans_of};
use crate::syntax::{Expr, ExprKind};
use crate::waveform::Scalar;

impl<'a> Evaluator<'a> {
    /// The phase of a pulse, rad; a phase cycle stands for its phase of this scan.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn phase(&self, expr: &Expr) -> Result<f64, Fault> {
        self.phase_of_scan(expr, &self.cycles_in(expr), self.variation.scan)
    }

    /// The phases of a pulse from scan to scan, rad, until its cycles repeat; a single one without cycles.
    ///
    /// # Errors
    /// If one is not finite, or there are too many.
    pub fn phases(&self, expr: &Expr) -> Result<Vec<f64>, Fault> {
        let cycles = self.cycles_in(expr);
        let scans = scans_of(cycles.iter().copied());
        MEMBERS.check(scans as u64, Some(expr.span()))?;
        (0..scans).map(|scan| self.phase_of_scan(expr, &cycles, scan)).collect()
    }

    fn phase_of_scan(&self, expr: &Expr, cycles: &[&'a Cycle], scan: usize) -> Result<f64, Fault> {
        // A keyword such as `x` denotes the axis, even if something else has that name.
        if let Some(phase) = phase_of_word(expr) {
            return Ok(phase);
        }
        let mut locals = Vec::with_capacity(cycles.len());
        for cycle in cycles {
            let phase = cycle.phases.get(scan % cycle.phases.len().max(1));
            let value = phase.map_or(Ok(0.0), |phase| self.phase_of_scan(phase, &[], scan))?;
            locals.push(Local { name: &cycle.name, value: Scalar::Constant(value) });
        }
        self.number_with(expr, &locals)
    }

    /// The cycles that stand in a phase.
    fn cycles_in(&self, expr: &Expr) -> Vec<&'a Cycle> {
        let mut found: Vec<&Cycle> = Vec::new();
        if phase_of_word(expr).is_some() || self.experiment.cycles.is_empty() {
            return found;
        }
        expr.walk(&mut |e| {
            if let ExprKind::Name(name) = &e.kind
                && found.iter().all(|cycle| cycle.name != *name)
            {
                found.extend(self.experiment.cycles.iter().find(|cycle| cycle.name == *name));
            }
        });
        found
    }
}
