//! The table of interactions; the Hamiltonian during delays and pulses is their sum.

mod anisotropy;
pub mod couplings;
pub mod cross;
pub mod electrons;
pub mod frames;
pub mod g_factor;
pub mod second_order;
mod term;
pub mod zeeman;

use super::orientation::{self, Frame, Harmonics, Internal, Matrix3, Terms};
use super::value::{Evaluator, Fault, FieldProducts, Varying};
use crate::diagnostic::{Code, Diagnostic};
use crate::ir::InteractionKind;
use crate::source::Span;
use crate::spin::Operator;
use crate::waveform::{Function, Scalar};
pub use term::{Declared, declared};
use term::{Size, Term};

/// An interaction of the system, in the rotating frame of the carriers or, for the species of `frame lab`, in the laboratory frame.
pub struct Interaction {
    /// Name of the part of the Hamiltonian, for use in expressions.
    pub part: &'static str,
    /// Computes its terms.
    pub terms: fn(&Evaluator) -> Result<Vec<Term>, Fault>,
}

/// All interactions; the Hamiltonian during delays and pulses is their sum.
pub const INTERACTIONS: [Interaction; 10] = [
    Interaction { part: "offset", terms: anisotropy::shielding },
    Interaction { part: "offset", terms: zeeman::offset },
    Interaction { part: "offset", terms: electrons::g_tensor },
    Interaction { part: "hyperfine", terms: electrons::hyperfine },
    Interaction { part: "zfs", terms: electrons::zero_field_splitting },
    Interaction { part: "scalar", terms: couplings::scalar },
    Interaction { part: "dipolar", terms: couplings::dipolar },
    Interaction { part: "quadrupolar", terms: anisotropy::quadrupole },
    Interaction { part: "quadrupolar", terms: second_order::quadrupole },
    Interaction { part: "quadrupolar", terms: cross::quadrupole_dipole },
];

/// True if members of an ensemble must be compiled one by one: their terms are not polynomials in the direction of the field.
pub fn is_individual(e: &Evaluator) -> bool {
    let system = &e.experiment.system;
    !system.frames.is_empty() || system.interactions_of(InteractionKind::Zfs).next().is_some()
}

/// The Zeeman energy in the laboratory frame, rad/s, with the g tensors of electrons.
///
/// # Errors
/// If no field is declared, or a value cannot be evaluated.
pub fn zeeman_energy(e: &Evaluator, span: Span) -> Result<Internal, Fault> {
    let frame = Frame::of(e)?;
    let mut sum = Internal::nothing(&e.basis, &frame);
    sum.add(orientation::constant(1.0), &zeeman::laboratory(e, span)?);
    for term in electrons::g_tensor(e)? {
        sum.add(seen(&term.size, &frame), &term.operator);
    }
    Ok(sum)
}

/// Sum of the interactions of one part of the Hamiltonian, rad/s; of all interactions if no part is named.
///
/// # Errors
/// If an interaction cannot be computed.
pub fn sum(e: &Evaluator, part: Option<&str>) -> Result<Internal, Fault> {
    if e.varying.is_some() {
        return Err(not_common(e));
    }
    let frame = Frame::of(e)?;
    let mut sum = Internal::nothing(&e.basis, &frame);
    for interaction in INTERACTIONS.iter().filter(|i| part.is_none_or(|part| part == i.part)) {
        let terms = (interaction.terms)(e)?;
        // Most systems have a few of the interactions.
        if terms.is_empty() {
            continue;
        }
        // The terms of one interaction are summed first.
        let mut own = Internal::nothing(&e.basis, &frame);
        for term in terms {
            own.add(seen(&term.size, &frame), &term.operator);
        }
        sum = sum.plus(own);
    }
    Ok(sum)
}

/// The error if one operator is needed but ensemble members have different ones; they are then compiled individually.
fn not_common(e: &Evaluator) -> Fault {
    let place = e.experiment.system.place.span();
    Diagnostic::new(Code::Contradiction, place, "ensemble members have no common Hamiltonian").into()
}

/// Sum of all interactions for all members of an ensemble together: quantities that differ appear as variables in coefficients.
///
/// # Errors
/// If an interaction cannot be computed, or the sample is spinning.
pub fn of_members(e: &Evaluator, varying: &Varying) -> Result<Terms, Fault> {
    if e.experiment.system.spinning.is_some() {
        return Err(not_common(e));
    }
    let frame = Frame::of(e)?;
    let mut constant = Internal::nothing(&e.basis, &frame);
    let mut own: Vec<(Scalar, Operator)> = Vec::new();
    for interaction in &INTERACTIONS {
        for term in (interaction.terms)(e)? {
            match (&term.size, varying.orientation()) {
                (Size::Tensor(tensor), Some(products)) => own.push((along(tensor, products), term.operator)),
                (Size::Square(x, tensor), Some(products)) => {
                    let component = along(tensor, products);
                    own.push((component.times(&component).scaled(*x), term.operator));
                }
                (Size::Product(x, a, b), Some(products)) => {
                    let product = along(a, products).times(&along(b, products));
                    own.push((product.scaled(*x), term.operator));
                }
                (Size::Stretch(x, tensor), Some(products)) => {
                    let one = Scalar::Constant(1.0);
                    let length = along(tensor, products).plus(&one).apply(Function::Sqrt);
                    own.push((length.minus(&one).scaled(*x), term.operator));
                }
                (Size::Component(..), Some(_)) => return Err(not_common(e)),
                (size, _) => constant.add(seen(size, &frame), &term.operator),
            }
        }
    }
    for (nucleus, offset) in varying.offsets() {
        own.push((offset.clone(), zeeman::total_z(e, nucleus)));
    }
    Ok(Terms::of(constant).with(own))
}

/// Rotor harmonics of a size.
fn seen(size: &Size, frame: &Frame) -> Harmonics {
    match size {
        Size::Isotropic(x) => orientation::constant(*x),
        Size::Tensor(tensor) => frame.along_field(tensor),
        Size::Square(x, tensor) => orientation::squared(frame.along_field(tensor)).map(|c| x * c),
        Size::Product(x, a, b) => orientation::multiplied(frame.along_field(a), frame.along_field(b)).map(|c| x * c),
        Size::Stretch(x, tensor) => {
            let mean = (0..3).filter_map(|k| tensor.get(k)?.get(k)).sum::<f64>() / 3.0;
            orientation::stretched(frame.along_field(tensor), mean).map(|c| x * c)
        }
        Size::Component(axes, tensor) => frame.component(*axes, tensor),
    }
}

/// `n . T . n`.
fn along(t: &Matrix3, [xx, yy, zz, xy, xz, yz]: &FieldProducts<Scalar>) -> Scalar {
    let [[a, d, e], [_, b, f], [_, _, c]] = *t;
    let terms = [(a, xx), (b, yy), (c, zz), (2.0 * d, xy), (2.0 * e, xz), (2.0 * f, yz)];
    terms.iter().fold(Scalar::Constant(0.0), |sum, (c, x)| sum.plus(&x.scaled(*c)))
}
