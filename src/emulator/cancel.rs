//! Detects phase cycles that cancel the prepared signal: the scans sum to (almost) zero, and only rounding is left.
//!
//! The mean over a spread of ensemble members may legitimately be small. A mean over the scans of one member that is small compared
//! with each scan indicates a missing or wrong receiver phase.

use super::context::RunContext;
use crate::hamiltonian::{Acquire, Member};
use crate::linalg::{C64, Matrix};
use crate::spin::{Space, State};

/// Below this ratio of mean to single scans, the mean counts as cancelled.
const LOST: f64 = 1e-2;

/// Number of scans of the phase cycle propagated together; 1 if members are propagated in groups, where scans are not distinguished.
pub fn scans(members: &[Member], here: usize) -> usize {
    if here < members.len() {
        return 1;
    }
    members.iter().map(|m| m.variation.scan + 1).max().unwrap_or(1)
}

/// Fraction surviving the mean over scans: `|sum_k A_k| / sum_k |A_k|`, numerator and denominator each summed over members.
#[derive(Debug, Clone, Copy, Default)]
pub struct ScanSums {
    of_means: f64,
    of_scans: f64,
}

impl ScanSums {
    /// Adds a member, given the norm of its sum over scans and the sum of the norms of its scans.
    pub fn add(&mut self, of_mean: f64, of_scans: f64) {
        self.of_means += of_mean;
        self.of_scans += of_scans;
    }

    /// Adds the sums of other members.
    pub fn join(&mut self, other: ScanSums) {
        self.add(other.of_means, other.of_scans);
    }

    /// Surviving fraction; `None` if all scans are zero.
    pub fn share(&self) -> Option<f64> {
        (self.of_scans > 0.0).then(|| self.of_means / self.of_scans)
    }
}

/// Surviving fraction of matrices, one per member and scan. Members are ordered scan-major: scan s of sample k is index s * n_samples + k.
fn share_kept(parts: &[Matrix], scans: usize) -> Option<f64> {
    let stride = parts.len() / scans;
    let mut sums = ScanSums::default();
    for member in 0..stride {
        let own = || (0..scans).filter_map(|scan| parts.get(scan * stride + member));
        let sum = own().fold(None, |sum: Option<Matrix>, m| Some(sum.map_or_else(|| m.clone(), |s| s + m)));
        sums.add(sum.map_or(0.0, |m| m.norm()), own().map(|m| m.norm()).sum());
    }
    sums.share()
}

/// Deviation of a density matrix from the maximally mixed state.
fn deviation(rho: &Matrix) -> Matrix {
    let mean = rho.trace() / rho.nrows() as f64;
    let mut d = rho.clone();
    crate::linalg::add_to_diagonal(&mut d, -mean);
    d
}

/// Adds a note if the scans of a phase cycle cancel at a tomography.
pub fn read_out(context: &RunContext, states: &[State]) {
    if context.scans < 2 || !states.len().is_multiple_of(context.scans) {
        return;
    }
    let parts: Vec<Matrix> = states.iter().map(|s| deviation(&s.density())).collect();
    if let Some(share) = share_kept(&parts, context.scans).filter(|share| *share < LOST) {
        context.note(format!(
            "the scans of the phase cycle cancel at `tomography`: their mean is {share:.1e} of a single scan; cycle the preceding pulses together, or leave the cycle out"
        ));
    }
}

/// Indices of the density-matrix elements observed by a receiver of `nucleus`: `Tr[rho F+]` has rho_ij with m_j = m_i + 1.
#[expect(clippy::indexing_slicing, reason = "there is an order for every state of the space")]
pub fn observed_elements(space: &Space, nucleus: &str) -> Vec<(usize, usize)> {
    let basis = space.basis();
    let order: Vec<i64> = (0..space.len()).map(|k| basis.twice_m_of(Some(nucleus), space.state(k))).collect();
    let pairs = (0..space.len()).flat_map(|i| (0..space.len()).map(move |j| (i, j)));
    pairs.filter(|(i, j)| order[*i] == order[*j] - 2).collect()
}

/// Adds a note if the scans of a phase cycle cancel in a signal: compares the observed coherences, each with its receiver phase.
#[expect(clippy::indexing_slicing, reason = "elements are those of the space of the states")]
pub fn acquired(context: &RunContext, acquisitions: &[&Acquire], states: &[State]) {
    if context.scans < 2 || !states.len().is_multiple_of(context.scans) {
        return;
    }
    let Some(nucleus) = acquisitions.first().map(|a| a.receiver.nucleus.as_str()) else { return };
    let elements = observed_elements(context.space(), nucleus);
    let seen = |(a, s): (&&Acquire, &State)| {
        let (rho, phase) = (s.density(), C64::cis(-a.receiver.phase));
        let mut seen = Matrix::zeros(rho.nrows(), rho.ncols());
        elements.iter().for_each(|at| seen[*at] = rho[*at] * phase);
        seen
    };
    let parts: Vec<Matrix> = acquisitions.iter().zip(states).map(seen).collect();
    note_lost_signal(context, nucleus, share_kept(&parts, context.scans));
}

/// Adds a note if the signal of a nucleus has cancelled.
pub fn note_lost_signal(context: &RunContext, nucleus: &str, share: Option<f64>) {
    if let Some(share) = share.filter(|share| *share < LOST) {
        context.note(format!(
            "the scans of the phase cycle cancel in the signal of {nucleus}: their sum is {share:.1e} of that without cancellation; cycle the receiver phase, as in `acquire {nucleus} ... phase NAME`"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::real;

    #[test]
    fn scans_that_are_equal_keep_all_and_opposite_ones_nothing() {
        let m = Matrix::from_fn(2, 2, |i, j| real((i + 2 * j) as f64));
        let opposite = m.map(|x| -x);
        assert_eq!(share_kept(&[m.clone(), m.clone()], 2), Some(1.0));
        assert_eq!(share_kept(&[m.clone(), opposite.clone()], 2), Some(0.0));
        // Two members of two scans each: one adds up, one cancels.
        assert_eq!(share_kept(&[m.clone(), m.clone(), m.clone(), opposite], 2), Some(0.5));
        assert_eq!(share_kept(&[Matrix::zeros(2, 2), Matrix::zeros(2, 2)], 2), None);
    }
}
