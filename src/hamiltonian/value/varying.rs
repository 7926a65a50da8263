//! What differs among the members of an ensemble, as variables of expressions: a sequence is then lowered once for all members.

use super::variation::Variation;
use crate::waveform::Scalar;

/// The products `n_i n_j` of the components of the field in the crystal: xx, yy, zz, xy, xz, yz.
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
    /// For members that differ in what this one differs in.
    pub fn like(member: &Variation) -> Varying {
        let mut count = 0;
        let mut next = || {
            count += 1;
            Scalar::variable(count - 1)
        };
        let mut named = |of: &[(String, f64)]| of.iter().map(|(name, _)| (name.clone(), next())).collect();
        let (offsets, rf) = (named(&member.offsets), named(&member.rf));
        let position = member.position.map(|_| next());
        let orientation = member.orientation.map(|_| std::array::from_fn(|_| next()));
        Varying { offsets, rf, position, orientation }
    }

    /// The values of the variables for a member, `field` being the direction of the field in its crystal; `None` where it differs in
    /// something else.
    pub fn values(&self, member: &Variation, [x, y, z]: [f64; 3]) -> Option<Vec<f64>> {
        let same = |own: &[(String, Scalar)], of: &[(String, f64)]| {
            own.len() == of.len() && own.iter().zip(of).all(|((a, _), (b, _))| a == b)
        };
        let alike = same(&self.offsets, &member.offsets)
            && same(&self.rf, &member.rf)
            && self.position.is_some() == member.position.is_some()
            && self.orientation.is_some() == member.orientation.is_some();
        alike.then(|| {
            let mut values: Vec<f64> = member.offsets.iter().chain(&member.rf).map(|(_, x)| *x).collect();
            values.extend(member.position);
            values.extend(member.orientation.into_iter().flat_map(|_| [x * x, y * y, z * z, x * y, x * z, y * z]));
            values
        })
    }

    /// What is added to the resonance frequency of nuclei, rad/s.
    pub fn offsets(&self) -> &[(String, Scalar)] {
        &self.offsets
    }

    /// The products of the components of the field, where orientations differ.
    pub fn orientation(&self) -> Option<&FieldProducts<Scalar>> {
        self.orientation.as_ref()
    }

    /// What the rf of a nucleus is multiplied by.
    pub(super) fn rf(&self, nucleus: &str) -> Scalar {
        let factors = self.rf.iter().filter(|(n, _)| n == nucleus);
        factors.fold(Scalar::Constant(1.0), |product, (_, x)| product.times(x))
    }

    /// The place along the gradients.
    pub(super) fn position(&self) -> Option<Scalar> {
        self.position.clone()
    }
}
