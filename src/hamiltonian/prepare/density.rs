//! Density matrices from files.

use super::form::{Form, Partial};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault};
use crate::linalg::{C64, Matrix, hermitian_values, real};
use crate::source::Span;
use crate::spin::SiteKind;

/// Largest difference of the trace from 1; smaller ones are rounding of the file and are divided out.
const TRACE: f64 = 1e-4;

/// Largest difference of an element from the conjugate of its mirror image.
const HERMITIAN: f64 = 1e-6;

/// Largest magnitude of a negative eigenvalue; smaller ones are rounding of the file.
const NEGATIVE: f64 = 1e-6;

/// The state of some sites from the elements of its density matrix.
///
/// # Errors
/// If it has another dimension, its trace is not 1, it is not Hermitian or not positive, or a site is a collective.
pub(super) fn density(
    e: &Evaluator,
    (path, elements): (&str, &[Vec<(f64, f64)>]),
    span: Span,
    sites: &[usize],
) -> Result<Partial, Fault> {
    let wrong = |message: String| Diagnostic::new(Code::WrongState, span, message).label("read from this file");
    if let Some(site) = sites.iter().map(|s| e.basis.site(*s)).find(|s| matches!(s.kind, SiteKind::Collective { .. })) {
        let message =
            format!("`{}` is a collective, which has no product states to number the rows of `{path}`", site.name);
        return Err(wrong(message).help("declare its spins one by one: `spin s[n] : 1/2`").into());
    }
    let expected: f64 = sites.iter().map(|s| e.basis.site(*s).dimension as f64).product();
    let n = elements.len();
    if n as f64 != expected {
        let names: Vec<&str> = sites.iter().map(|s| e.basis.site(*s).name.as_str()).take(12).collect();
        return Err(wrong(format!("`{path}` has {n} rows, but the subsystems have {expected} states"))
            .help(format!("the product states of {}, in this order", names.join(", ")))
            .into());
    }
    let of =
        |i: usize, j: usize| elements.get(i).and_then(|row| row.get(j)).map_or(C64::default(), |x| C64::new(x.0, x.1));
    let read = Matrix::from_fn(n, n, of);
    let skew = (&read - read.adjoint()).iter().map(|x| x.norm()).fold(0.0, f64::max);
    if skew > HERMITIAN {
        return Err(wrong(format!(
            "the matrix in `{path}` is not Hermitian: elements differ by {skew:.1e} from their mirror images"
        ))
        .help("write the imaginary parts with their signs, and enough digits")
        .into());
    }
    let trace = read.trace().re;
    if (trace - 1.0).abs() > TRACE {
        return Err(wrong(format!("the matrix in `{path}` has the trace {trace:.6}, a state has 1"))
            .help("divide it by its trace; a deviation density matrix is no state: add 1/N to its diagonal")
            .into());
    }
    let rho = (&read + read.adjoint()) / real(2.0 * trace);
    let lowest = hermitian_values(&rho).map_err(|error| wrong(error.to_string()))?.first().copied().unwrap_or(0.0);
    if lowest < -NEGATIVE {
        return Err(wrong(format!(
            "the matrix in `{path}` has the negative eigenvalue {lowest:.1e}, so it is no state"
        ))
        .help("`ergoseq tomography --method maximum_likelihood` reconstructs states only")
        .into());
    }
    Ok(Partial::new(sites.to_vec(), Form::Mixed(rho)))
}
