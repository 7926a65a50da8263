//! Distances between states.
//!
//! Fidelity `F = (Tr sqrt(sqrt(a) b sqrt(a)))^2`, the square of the nuclear norm of `sqrt(a) sqrt(b)` (the squared convention);
//! trace distance; Bures angle `arccos sqrt(F)`. `1 - sqrt(F) <= D <= sqrt(1 - F)`.

use super::deviation::root_fidelity_gap;
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{LinalgError, Matrix, Vector, hermitian_values, positive_root, product, singular_values};
use crate::spin::{Space, State};

/// `1 - sqrt(F)`, between 0 and 1. For close states it is computed from their difference, so that small values keep full relative accuracy.
fn gap(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    if let Some(gap) = root_fidelity_gap(a, b)? {
        return Ok(gap);
    }
    let norm: f64 = singular_values(&product(&positive_root(a)?, &positive_root(b)?))?.iter().sum();
    Ok((1.0 - norm).max(0.0))
}

/// Fidelity, between 0 and 1.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn fidelity(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    Ok((1.0 - gap(a, b)?).powi(2))
}

/// Trace distance: half the sum of the magnitudes of the eigenvalues of `a - b`.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn trace_distance(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    Ok(hermitian_values(&(a - b))?.iter().map(|x| x.abs()).sum::<f64>() / 2.0)
}

/// Bures angle `arccos sqrt(F) = 2 arcsin sqrt((1 - sqrt(F))/2)`, rad.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn bures_angle(a: &Matrix, b: &Matrix) -> Result<f64, LinalgError> {
    Ok(2.0 * (gap(a, b)? / 2.0).sqrt().min(1.0).asin())
}

/// The two states to be compared, in the cheapest representation.
enum Pair<'a> {
    /// Identical states.
    Same,
    /// Two state vectors.
    Pure(&'a Vector, &'a Vector),
    /// Two density matrices.
    Mixed(&'a Matrix, &'a Matrix),
}

/// A named state as the target, and the current one.
enum Target<'a> {
    /// Two state vectors; of the target, the part in the space of the run.
    Vectors(Vector, &'a Vector),
    /// Two density matrices on the whole product space.
    Matrices(Matrix, &'a Matrix),
}

impl<'a> Target<'a> {
    /// The target of the argument, if one is given.
    fn of(m: &'a Moment, a: &[Argument]) -> Result<Option<Target<'a>>, Undefined> {
        let Some(target) = a.iter().find_map(|a| if let Argument::State(target) = a { Some(target) } else { None })
        else {
            return Ok(None);
        };
        if target.is_averaged() {
            return Err(Undefined::Domain(
                "`definite` spins of a collective are stored as their average over permutations, which is another state; declare individual spins".into(),
            ));
        }
        if let State::Pure(b) = m.state
            && let State::Pure(a) = target.on(&m.scene.space)
        {
            return Ok(Some(Target::Vectors(a, b)));
        }
        // The size is checked before the target is formed.
        let state = m.density()?;
        let whole = Space::whole(m.scene.space.basis().clone());
        Ok(Some(Target::Matrices(target.on(&whole).density(), state)))
    }

    /// Overlap of the vectors, and the norm of what is orthogonal to the state: in the space and outside of it.
    fn overlap(a: &Vector, b: &Vector) -> (f64, f64) {
        let (along, inside) = overlap(b, a);
        let outside = 1.0 - a.norm_squared();
        // Rounding of a normalised vector is no part outside of the space.
        (along, inside.hypot(if outside < 1e-14 { 0.0 } else { outside.sqrt() }))
    }

    fn fidelity(&self) -> Value {
        Ok(match self {
            Target::Vectors(a, b) => a.dotc(b).norm_sqr().min(1.0),
            Target::Matrices(a, b) => fidelity(a, b)?,
        })
    }

    fn angle(&self) -> Value {
        Ok(match self {
            Target::Vectors(a, b) => {
                let (along, beside) = Target::overlap(a, b);
                beside.atan2(along)
            }
            Target::Matrices(a, b) => bures_angle(a, b)?,
        })
    }

    fn trace_distance(&self) -> Value {
        Ok(match self {
            Target::Vectors(a, b) => Target::overlap(a, b).1.min(1.0),
            Target::Matrices(a, b) => trace_distance(a, b)?,
        })
    }
}

/// The prepared state and the current one.
fn pair<'a>(m: &'a Moment) -> Result<Pair<'a>, Undefined> {
    match (&m.scene.initial, m.state) {
        (State::Pure(a), State::Pure(b)) => Ok(Pair::Pure(a, b)),
        // A state stored as an average over permutations still equals the prepared one if nothing has changed it.
        (State::Mixed(a), State::Mixed(b)) if !m.scene.averaged.sites.is_empty() && a == b => Ok(Pair::Same),
        _ => Ok(Pair::Mixed(m.initial_density()?, m.density()?)),
    }
}

/// Magnitude of the overlap of two vectors, and the norm of the component of `b` orthogonal to `a`.
fn overlap(a: &Vector, b: &Vector) -> (f64, f64) {
    let along = a.dotc(b);
    (along.norm(), (b - a * along).norm())
}

pub(super) fn evaluate_fidelity(m: &Moment, a: &[Argument]) -> Value {
    if let Some(target) = Target::of(m, a)? {
        return target.fidelity();
    }
    Ok(match pair(m)? {
        Pair::Same => 1.0,
        Pair::Pure(a, b) => a.dotc(b).norm_sqr().min(1.0),
        Pair::Mixed(a, b) => fidelity(a, b)?,
    })
}

pub(super) fn evaluate_trace_distance(m: &Moment, a: &[Argument]) -> Value {
    if let Some(target) = Target::of(m, a)? {
        return target.trace_distance();
    }
    Ok(match pair(m)? {
        Pair::Same => 0.0,
        Pair::Pure(a, b) => overlap(a, b).1.min(1.0),
        Pair::Mixed(a, b) => trace_distance(a, b)?,
    })
}

pub(super) fn evaluate_bures(m: &Moment, a: &[Argument]) -> Value {
    if let Some(target) = Target::of(m, a)? {
        return target.angle();
    }
    Ok(match pair(m)? {
        Pair::Same => 0.0,
        Pair::Pure(a, b) => {
            let (along, beside) = overlap(a, b);
            beside.atan2(along)
        }
        Pair::Mixed(a, b) => bures_angle(a, b)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::random::{pure, state};
    use super::*;

    #[test]
    fn fidelity_and_distance_bound_each_other() {
        for seed in 0..30 {
            let (a, b) = (state(4, seed), state(4, seed + 1));
            let (f, d) = (fidelity(&a, &b).unwrap(), trace_distance(&a, &b).unwrap());
            assert!((f - fidelity(&b, &a).unwrap()).abs() < 1e-12);
            assert!(1.0 - f.sqrt() <= d + 1e-12 && d <= (1.0 - f).sqrt() + 1e-12);
            assert!((fidelity(&a, &a).unwrap() - 1.0).abs() < 1e-12);
            let (p, q) = (pure(4, seed), pure(4, seed + 5));
            assert!((fidelity(&p, &q).unwrap() - crate::linalg::trace_of_product(&p, &q).re).abs() < 1e-7);
        }
    }
}
