//! Differences between the members of an ensemble.

/// Deviations of one ensemble member: its field, its rf, and its scan of the phase cycles.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Variation {
    /// Its offsets and rf factors. Boxed, since a powder has a million members with neither.
    pub inhomogeneity: Option<Box<Inhomogeneity>>,
    /// Orientation of a crystallite: Euler angles, rad.
    pub orientation: Option<[f64; 3]>,
    /// Position in the sample along the gradients.
    pub position: Option<f64>,
    /// Index of the scan.
    pub scan: usize,
}

/// Deviations of the field and the rf of a member.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Inhomogeneity {
    /// Offsets by nucleus, rad/s.
    pub offsets: Vec<(String, f64)>,
    /// rf factors by nucleus.
    pub rf: Vec<(String, f64)>,
}

impl Variation {
    /// Offsets by nucleus, rad/s.
    pub fn offsets(&self) -> &[(String, f64)] {
        self.inhomogeneity.as_ref().map_or(&[], |i| &i.offsets)
    }

    /// rf factors by nucleus.
    pub fn rf_factors(&self) -> &[(String, f64)] {
        self.inhomogeneity.as_ref().map_or(&[], |i| &i.rf)
    }

    /// Adds an offset of a nucleus, rad/s.
    pub fn add_offset(&mut self, nucleus: &str, offset: f64) {
        self.inhomogeneity.get_or_insert_default().offsets.push((nucleus.to_string(), offset));
    }

    /// Adds an rf factor of a nucleus.
    pub fn add_rf(&mut self, nucleus: &str, factor: f64) {
        self.inhomogeneity.get_or_insert_default().rf.push((nucleus.to_string(), factor));
    }

    /// rf factor of a nucleus.
    pub fn rf(&self, nucleus: &str) -> f64 {
        self.rf_factors().iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).product()
    }

    /// Offset of the resonance frequency of a nucleus, rad/s.
    pub fn offset(&self, nucleus: &str) -> f64 {
        self.offsets().iter().filter(|(n, _)| n == nucleus).map(|(_, x)| x).sum()
    }
}
