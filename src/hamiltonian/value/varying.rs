//! Quantities that differ between ensemble members, as variables of expressions: a sequence is then compiled once for all members.

use super::variation::Variation;
use crate::waveform::Scalar;

/// Products `n_i n_j` of the components of the field direction in the crystal frame: xx, yy, zz, xy, xz, yz.
pub type FieldProducts<T> = [T; 6];

/// The variables of a member, numbered from 0 in the order of the fields.
#[derive(Debug, Clone)]
pub struct Varying {
    offsets: Vec<(String, Scalar)>,
    rf: Vec<(String, Scalar)>,
    position: Option<Scalar>,
    orientation: Option<FieldProducts<Scalar>>,
}

impl Varying {
    /// For members that vary in the same quantities as `member`.
    pub fn like(member: &Variation) -> Varying {
        let mut count = 0;
        let mut next = || {
            count += 1;
            Scalar::variable(count - 1)
        };
        let mut named = |of: &[(String, f64)]| of.iter().map(|(name, _)| (name.clone(), next())).collect();
        let (offsets, rf) = (named(member.offsets()), named(member.rf_factors()));
        let position = member.position.map(|_| next());
        let orientation = member.orientation.map(|_| std::array::from_fn(|_| next()));
        Varying { offsets, rf, position, orientation }
    }

    /// Whether a member varies in these quantities.
    pub fn fits(&self, member: &Variation) -> bool {
        let same = |own: &[(String, Scalar)], of: &[(String, f64)]| {
            own.len() == of.len() && own.iter().zip(of).all(|((a, _), (b, _))| a == b)
        };
        same(&self.offsets, member.offsets())
            && same(&self.rf, member.rf_factors())
            && self.position.is_some() == member.position.is_some()
            && self.orientation.is_some() == member.orientation.is_some()
    }

    /// The values of the variables for a member, where [x, y, z] is the field direction in its crystal frame; `None` if it varies in other
    /// quantities.
    pub fn values(&self, member: &Variation, [x, y, z]: [f64; 3]) -> Option<Vec<f64>> {
        self.fits(member).then(|| {
            let mut values: Vec<f64> = member.offsets().iter().chain(member.rf_factors()).map(|(_, x)| *x).collect();
            values.extend(member.position);
            values.extend(member.orientation.into_iter().flat_map(|_| [x * x, y * y, z * z, x * y, x * z, y * z]));
            values
        })
    }

    /// Offsets of resonance frequencies by nucleus, rad/s.
    pub fn offsets(&self) -> &[(String, Scalar)] {
        &self.offsets
    }

    /// Products of the components of the field direction, if orientations differ.
    pub fn orientation(&self) -> Option<&FieldProducts<Scalar>> {
        self.orientation.as_ref()
    }

    /// rf factor of a nucleus.
    pub(super) fn rf(&self, nucleus: &str) -> Scalar {
        let factors = self.rf.iter().filter(|(n, _)| n == nucleus);
        factors.fold(Scalar::Constant(1.0), |product, (_, x)| product.times(x))
    }

    /// Position along the gradients.
    pub(super) fn position(&self) -> Option<Scalar> {
        self.position.clone()
    }
}
