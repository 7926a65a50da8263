//! The table of interactions: what acts during delays and pulses is their sum.

use super::interaction::{Size, Term};
use super::orientation::{Frame, Internal};
use super::value::{Evaluator, Fault};
use super::{anisotropy, couplings, zeeman};

/// An interaction of the system, in the frame that rotates with the carriers.
pub struct Interaction {
    /// The part of the system's Hamiltonian that it belongs to: a name in expressions.
    pub part: &'static str,
    /// Its terms.
    pub terms: fn(&Evaluator) -> Result<Vec<Term>, Fault>,
}

/// All interactions: what acts during delays and pulses is their sum.
pub const INTERACTIONS: [Interaction; 5] = [
    Interaction { part: "offset", terms: anisotropy::shielding },
    Interaction { part: "offset", terms: zeeman::offset },
    Interaction { part: "scalar", terms: couplings::scalar },
    Interaction { part: "dipolar", terms: couplings::dipolar },
    Interaction { part: "quadrupolar", terms: anisotropy::quadrupole },
];

/// The sum of the interactions of a part of the Hamiltonian, rad/s; of all of them where no part is named.
///
/// # Errors
/// When an interaction cannot be computed.
pub fn sum(e: &Evaluator, part: Option<&str>) -> Result<Internal, Fault> {
    let frame = Frame::of(e)?;
    let mut sum = Internal::nothing(&e.basis, &frame);
    for interaction in INTERACTIONS.iter().filter(|i| part.is_none_or(|part| part == i.part)) {
        // The terms of an interaction are added up first.
        let mut own = Internal::nothing(&e.basis, &frame);
        for term in (interaction.terms)(e)? {
            let seen = match &term.size {
                Size::Isotropic(x) => [*x, 0.0, 0.0, 0.0, 0.0],
                Size::Tensor(tensor) => frame.along_field(tensor),
            };
            own.add(seen, &term.operator);
        }
        sum = sum.plus(own);
    }
    Ok(sum)
}
