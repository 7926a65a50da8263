//! The fidelity of a gate as a function of the steps of controls, from matrices.

use super::closed::{Operation, Propagated, Sums, propagate};
use super::slices::{Field, ShapedPiece, Slice};
use super::{Gradient, Objective};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::Fault;
use crate::linalg::{Matrix, real};
use crate::metrics::{gate_fidelity_derivative, gate_fidelity_of};
use rayon::prelude::*;

/// A member of the ensemble over which the fidelity is averaged.
#[derive(Debug, Clone)]
pub struct GateMember {
    /// Its weight; those of all members add up to 1.
    pub weight: f64,
    /// Its Hamiltonian without controls, rad/s, n x n.
    pub drift: Matrix,
    /// X and Y of every control at amplitude 1, rad/s: the Hamiltonian is `drift + sum over controls of x X + y Y`.
    pub controls: Vec<(Matrix, Matrix)>,
}

/// The mean gate fidelity `F = sum over members of w (|Tr[V^+ U]|^2/n + 1)/(n + 1)` with a target V (Nielsen, Phys. Lett. A 303, 249), as
/// a function of the steps of all controls: those of the first control, then those of the next.
pub struct GateObjective {
    members: Vec<(f64, Vec<Operation>)>,
    target: Matrix,
    steps: usize,
}

impl GateObjective {
    /// The objective of `count` steps that last `step` seconds each, for every control.
    ///
    /// # Errors
    /// If matrices differ in size, members differ in their number of controls, or there is nothing to optimise.
    pub fn new(members: Vec<GateMember>, target: Matrix, step: f64, count: usize) -> Result<GateObjective, Fault> {
        let n = target.nrows();
        let controls = members.first().map_or(0, |m| m.controls.len());
        let square = |m: &Matrix| m.shape() == (n, n);
        let fits = |m: &GateMember| {
            let all = m.controls.iter().all(|(x, y)| square(x) && square(y));
            square(&m.drift) && all && m.controls.len() == controls
        };
        if n == 0
            || controls == 0
            || count == 0
            || step.is_nan()
            || step <= 0.0
            || !square(&target)
            || !members.iter().all(fits)
        {
            let message = "a gate objective needs square matrices of one size, at least one control and one step, and a positive duration";
            return Err(Diagnostic::without_place(Code::OutOfRange, message).into());
        }
        let slice = |k: usize| Slice {
            duration: step,
            fields: (0..controls).map(|drive| Field { drive, step: drive * count + k, factor: real(1.0) }).collect(),
        };
        let slices: Vec<Slice> = (0..count).map(slice).collect();
        let piece = |m: GateMember| {
            let piece =
                ShapedPiece { h: m.drift, drives: m.controls, slices: slices.clone(), timed: true, steps: vec![] };
            (m.weight, vec![Operation::Shaped(piece)])
        };
        Ok(GateObjective { members: members.into_iter().map(piece).collect(), target, steps: controls * count })
    }

    /// The propagators of the members, after the last step.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn propagators(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Vec<Matrix>, Fault> {
        Ok(self.propagated(steps, stretch)?.into_iter().map(|p| p.u).collect())
    }

    fn propagated(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Vec<Propagated<'_>>, Fault> {
        if steps.len() != self.steps {
            let message = format!("{} steps given for the {} of this objective", steps.len(), self.steps);
            return Err(Diagnostic::without_place(Code::WrongArguments, message).into());
        }
        let n = self.target.nrows();
        self.members.par_iter().map(|(_, operations)| propagate(operations, steps, stretch, n)).collect()
    }
}

impl Objective for GateObjective {
    fn steps(&self) -> usize {
        self.steps
    }

    fn value(&self, steps: &[(f64, f64)], stretch: f64) -> Result<f64, Fault> {
        let all = self.propagated(steps, stretch)?;
        Ok(self.members.iter().zip(&all).map(|((w, _), p)| w * gate_fidelity_of(&p.u, &self.target)).sum())
    }

    fn gradient(&self, steps: &[(f64, f64)], stretch: f64) -> Result<Gradient, Fault> {
        let all = self.propagated(steps, stretch)?;
        let of_member = |p: &Propagated| {
            let w = gate_fidelity_derivative(&p.u, &self.target);
            let mut sums = Sums::zero(self.steps);
            p.derivatives(&w, stretch, &mut sums);
            sums
        };
        let of_members: Vec<Sums> = all.par_iter().map(of_member).collect();
        let mut sum = Sums::zero(self.steps);
        let mut value = 0.0;
        for (((weight, _), own), p) in self.members.iter().zip(&of_members).zip(&all) {
            sum.add(own, *weight);
            value += weight * gate_fidelity_of(&p.u, &self.target);
        }
        Ok(Gradient { value, steps: sum.steps, duration: sum.duration })
    }
}
