//! Lines of a spectrum: `Tr[rho(t) F+] = sum_l a_l exp(2 pi i nu_l t)`; each amplitude is linear in the initial state,
//! `a_l = Tr[rho O_l]` with `O_l = sum F+_ba |b><a|` over the pairs of levels with `E_b - E_a = h nu_l`.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are within the number of levels, and a chain of neighbours ends within the rest"
)]

use crate::linalg::{C64, LinalgError, Matrix, ZERO, conjugate, conjugate_back, hermitian_eigen};
use crate::units::TWO_PI;

/// The measured system.
pub struct Sample {
    /// Hamiltonian during acquisition, rad/s.
    pub hamiltonian: Matrix,
    /// Transmitter channels, in the order of the letters of a readout word.
    pub channels: Vec<Receiver>,
}

/// A channel.
pub struct Receiver {
    /// Its nucleus.
    pub nucleus: String,
    /// Fx of its spins.
    pub x: Matrix,
    /// Fy of its spins.
    pub y: Matrix,
    /// True if its signal is detected.
    pub detected: bool,
    /// Resolution: lines closer than this are merged, rad/s.
    pub resolution: f64,
}

/// A spectral line of a channel.
#[derive(Debug, Clone)]
pub struct Line {
    /// Index of the channel.
    pub channel: usize,
    /// Frequency relative to the carrier, Hz.
    pub frequency: f64,
    /// Operator O with amplitude `Tr[rho O]`.
    pub operator: Matrix,
}

/// Observable lines, by channel and ascending frequency.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn lines(sample: &Sample) -> Result<Vec<Line>, LinalgError> {
    let eigen = hermitian_eigen(&sample.hamiltonian)?;
    let spread = eigen.spread();
    let mut all = Vec::new();
    for (channel, receiver) in sample.channels.iter().enumerate().filter(|(_, c)| c.detected) {
        let raising = &receiver.x + receiver.y.map(|z| z * crate::linalg::I);
        let inside = conjugate_back(&eigen.vectors, &raising);
        let strongest = inside.iter().map(|z| z.norm()).fold(0.0, f64::max);
        let mut pairs: Vec<(f64, usize, usize, C64)> = Vec::new();
        for a in 0..inside.ncols() {
            for b in 0..inside.nrows() {
                if inside[(b, a)].norm() > 1e-9 * strongest {
                    pairs.push((eigen.values[b] - eigen.values[a], b, a, inside[(b, a)]));
                }
            }
        }
        pairs.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
        let near = receiver.resolution.max(1e-9 * spread);
        let mut rest = pairs.as_slice();
        while let Some(first) = rest.first() {
            // Merge chains of neighbouring lines.
            let mut end = 1;
            while end < rest.len() && rest[end].0 - rest[end - 1].0 <= near {
                end += 1;
            }
            let mut operator = Matrix::zeros(inside.nrows(), inside.ncols());
            operator.fill(ZERO);
            for &(_, b, a, f) in &rest[..end] {
                operator[(b, a)] += f;
            }
            let middle = 0.5 * (first.0 + rest[end - 1].0);
            all.push(Line { channel, frequency: middle / TWO_PI, operator: conjugate(&eigen.vectors, &operator) });
            rest = &rest[end..];
        }
    }
    Ok(all)
}
