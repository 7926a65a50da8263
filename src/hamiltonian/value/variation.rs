//! How the members of an ensemble differ.

/// How one member of an ensemble differs: its field, its rf, and which scan of the phase cycles it is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variation {
    /// Offsets by nucleus, rad/s.
    pub offsets: Vec<(String, f64)>,
    /// Factors of the rf by nucleus.
    pub rf: Vec<(String, f64)>,
    /// How a crystallite of a powder lies: Euler angles.
    pub orientation: Option<[f64; 3]>,
    /// Where in the sample it is, along the gradients.
    pub position: Option<f64>,
    /// The number of the scan.
    pub scan: usize,
}

impl Variation {
    /// What the rf of a nucleus is multiplied by.
    pub fn rf(&self, nucleus: &str) -> f64 {
        self.rf.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).product()
    }

    /// What is added to the resonance frequency of a nucleus, rad/s.
    pub fn offset(&self, nucleus: &str) -> f64 {
        self.offsets.iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).sum()
    }
}
