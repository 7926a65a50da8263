//! The cells of a segment: within each cell every coefficient of the Hamiltonian is smooth and resolved (see
//! [`crate::waveform::mesh()`]). All methods advance from cell end to cell end, so that no feature is stepped over.

use super::step_error::StepError;
use crate::waveform::{Scalar, Weighted, mesh};

/// Maximum number of cell ends listed explicitly.
const MOST_ENDS: f64 = 4e6;

/// Fraction of the tolerance available for errors of the coefficients.
const SHARE: f64 = 0.1;

/// Ends of the cells; those of one period if all coefficients are periodic.
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    ends: Vec<f64>,
    period: Option<f64>,
}

/// First and last time at which coefficients are evaluated inside a cell. Exactly at its ends they may have the values of the
/// neighbouring cells, because the ends of repeated cells are known only to a few units in the last place.
pub fn interior(from: f64, to: f64) -> (f64, f64) {
    const ROUNDING: f64 = 16.0 * f64::EPSILON;
    let inset = |t: f64| (ROUNDING * t.abs()).min(1e-3 * (to - from)).max(f64::MIN_POSITIVE);
    (from + inset(from), to - inset(to))
}

/// Times closer than this are equal up to rounding, such as a cell end and a sample at the same moment.
pub fn resolution(span: f64) -> f64 {
    4.0 * f64::EPSILON * span
}

impl Mesh {
    /// The cells of a segment, from the coefficients of its Hamiltonian with the norms of their operators.
    ///
    /// # Errors
    /// If a coefficient is unbounded or cannot be resolved.
    pub fn of<'a>(
        coefficients: impl Iterator<Item = (&'a Scalar, f64)>,
        duration: f64,
        period: Option<f64>,
        tolerance: f64,
    ) -> Result<Mesh, StepError> {
        let period = period.filter(|p| *p < duration);
        let varying = coefficients.filter_map(|(c, norm)| match c {
            Scalar::Varying(waveform) => Some(Weighted { waveform, norm }),
            Scalar::Constant(_) => None,
        });
        let waveforms: Vec<Weighted> = varying.collect();
        let (length, repetitions) = period.map_or((duration, 1.0), |p| (p, duration / p));
        let ends = mesh(&waveforms, length, SHARE * tolerance / repetitions)
            .map_err(|unresolved| StepError::Tolerance(unresolved.to_string()))?;
        Ok(Mesh { ends, period })
    }

    /// The cell ends between `from` and `to` (both excluded), followed by `to`.
    ///
    /// # Errors
    /// If there are too many.
    pub fn stops(&self, from: f64, to: f64) -> Result<Vec<f64>, StepError> {
        let Some(period) = self.period else {
            let first = self.ends.partition_point(|end| *end <= from);
            let inside = self.ends.iter().skip(first).copied().take_while(|end| *end < to);
            return Ok(inside.chain([to]).collect());
        };
        let (first, last) = ((from / period).floor(), (to / period).ceil());
        if (last - first) * self.ends.len() as f64 > MOST_ENDS {
            let message = format!(
                "the Hamiltonian has {:e} periods {}, too many for this method",
                last - first,
                crate::waveform::interval_text(from, to)
            );
            return Err(StepError::Tolerance(message));
        }
        let periods = (0..(last - first) as usize).map(|k| period * (first + k as f64));
        let ends = periods.flat_map(|start| self.ends.iter().map(move |end| start + end));
        Ok(ends.filter(|end| from < *end && *end < to).chain([to]).collect())
    }

    /// The cell ends of one period, or of the whole segment.
    pub fn ends(&self) -> &[f64] {
        &self.ends
    }
}
