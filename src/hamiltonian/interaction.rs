//! The terms of interactions: a number, or a tensor that the field sees by one component, times an operator that does not depend on how
//! the sample lies.

use super::orientation::Matrix3;
use crate::spin::Operator;

/// What an operator is multiplied by, rad/s.
#[derive(Debug, Clone)]
pub enum Size {
    /// A number, the same in every orientation.
    Isotropic(f64),
    /// The component along the field of a traceless tensor of the crystal.
    Tensor(Matrix3),
}

/// A term of an interaction.
#[derive(Debug, Clone)]
pub struct Term {
    /// What the operator is multiplied by.
    pub size: Size,
    /// Without the size.
    pub operator: Operator,
}
