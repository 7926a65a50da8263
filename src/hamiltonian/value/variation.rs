//! Differences between the members of an ensemble.

/// Deviations of one ensemble member: its field, its rf, and its scan of the phase cycles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variation {
    /// Offsets by nucleus, rad/s.
    pub offsets: Vec<(String, f64)>,
    /// rf factors by nucleus.
    pub rf: Vec<(String, f64)>,
    /// Orientation of a crystallite: Euler angles, rad.
    pub orientation: Option<[f64; 3]>,
    /// Position in the sample along the gradients.
    pub position: Option<f64>,
    /// Index of the scan.
    pub scan: usize,
}

impl Variation {
    /// rf factor of a nucleus.
    pub fn rf(&self, nucleus: &str) -> f64 {
        self.rf.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).product()
    }

    /// Offset of the resonance frequency of a nucleus, rad/s.
    pub fn offset(&self, nucleus: &str) -> f64 {
        self.offsets.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).sum()
    }
}
