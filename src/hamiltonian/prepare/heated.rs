//! Gibbs states, exact and to first order.

#![expect(
    clippy::indexing_slicing,
    reason = "parts are lists of states of the heated sites, and there is a number of copies for each state"
)]

use super::form::{Form, LARGEST_DIAGONAL, LARGEST_PART, Partial, SMALL, too_large};
use crate::diagnostic::{Code, Diagnostic};
use crate::hamiltonian::{Evaluator, Fault};
use crate::linalg::{Matrix, ZERO, real};
use crate::spin::{Action, Basis, Operator, Space, Sparse, components, gibbs};
use crate::syntax::Expr;
use crate::units::temperature_scale;
use std::sync::Arc;

/// The ingredients of a Gibbs state.
struct Heated {
    sites: Vec<usize>,
    basis: Arc<Basis>,
    /// The Hamiltonian restricted to the sites, rad/s.
    inside: Operator,
    /// Number of product states that each basis state represents.
    copies: Vec<f64>,
    /// Temperature, in the units of the Hamiltonian.
    temperature: f64,
}

fn heated(e: &Evaluator, hamiltonian: &Expr, temperature: &Expr, alone: bool) -> Result<Heated, Fault> {
    let h = e.hamiltonian(hamiltonian)?;
    let t = e.number(temperature)?;
    if t < 0.0 {
        return Err(Diagnostic::new(
            Code::OutOfRange,
            temperature.span(),
            format!("a temperature must not be negative, this is {t}"),
        )
        .help("for the inverted state use the Gibbs state of `-H`")
        .into());
    }
    let sites: Vec<usize> = if alone { (0..e.basis.sites.len()).collect() } else { h.support() };
    if sites.is_empty() {
        return Err(Diagnostic::new(
            Code::WrongState,
            hamiltonian.span(),
            "this Hamiltonian acts on no subsystem, so it has no Gibbs state",
        )
        .help("for the maximally mixed state of a subsystem write `mixed(a)`")
        .into());
    }
    let basis = match sites.len() == e.basis.sites.len() {
        true => e.basis.clone(),
        false => Arc::new(Basis::new(sites.iter().map(|&s| e.basis.site(s).clone()).collect())),
    };
    if basis.size() > LARGEST_DIAGONAL {
        return Err(too_large(basis.size(), hamiltonian.span()));
    }
    let Some(inside) = h.restricted(&sites) else { return Err(too_large(basis.size(), hamiltonian.span())) };
    let copies: Vec<f64> = match basis.has_copies() {
        false => vec![1.0; basis.dimension()],
        true => (0..basis.dimension())
            .map(|k| basis.digits(k).iter().zip(&basis.sites).map(|(d, s)| s.copies(*d)).product())
            .collect(),
    };
    Ok(Heated { sites, basis, inside, copies, temperature: t * temperature_scale(e.scope.units) })
}

/// `(1 - H/T)/N`, with H made traceless; an error if a bound of H exceeds T, since the state might then have negative eigenvalues.
pub(super) fn high_temperature(
    e: &Evaluator,
    hamiltonian: &Expr,
    temperature: &Expr,
    alone: bool,
) -> Result<Partial, Fault> {
    let Heated { sites, basis, inside, copies, temperature: t } = heated(e, hamiltonian, temperature, alone)?;
    let states: f64 = copies.iter().sum();
    let cold = |largest: f64| -> Result<(), Fault> {
        if largest <= t {
            return Ok(());
        }
        Err(Diagnostic::new(
            Code::OutOfRange,
            temperature.span(),
            format!(
                "the high-temperature approximation is not valid: H/T reaches up to {}",
                crate::syntax::number_text(largest / t)
            ),
        )
        .label("the first-order state would not be positive semidefinite")
        .help("use `gibbs(H, T)`, which is valid at every temperature")
        .into())
    };
    if let Some(diagonal) = inside.diagonal() {
        let mean = diagonal.iter().zip(&copies).map(|(x, c)| x * c).sum::<f64>() / states;
        cold(diagonal.iter().fold(0.0, |most: f64, x| most.max(x - mean)))?;
        let populations = diagonal.iter().zip(&copies).map(|(x, c)| c * (1.0 - (x - mean) / t) / states).collect();
        return Ok(Partial::new(sites, Form::Diagonal(populations)));
    }
    let n = basis.dimension();
    // If it is the only part it is kept as an operator, so that random vectors need no matrix.
    if n > SMALL && alone && copies.iter().all(|c| *c == 1.0) {
        let mean = inside.mean();
        let (low, high) = Action::of(&inside, &Space::whole(basis.clone())).spectral_bounds();
        cold((low - mean.re).abs().max((high - mean.re).abs()))?;
        let a = inside.plus(Operator::identity(&basis, -mean)).times_number(real(-1.0 / t));
        return Ok(Partial::new(sites, Form::Near(a)));
    }
    if n > LARGEST_PART {
        return Err(too_large(n as f64, hamiltonian.span()));
    }
    let h = Sparse::of(&inside, &Space::whole(basis)).dense();
    let mean = (0..n).map(|k| h[(k, k)].re * copies[k]).sum::<f64>() / states;
    let row =
        |i: usize| (0..n).map(|j| if i == j { (h[(i, i)].re - mean).abs() } else { h[(i, j)].norm() }).sum::<f64>();
    cold((0..n).map(row).fold(0.0, f64::max))?;
    // A basis state that represents several product states has their weight; H does not couple states of different weights.
    let rho = Matrix::from_fn(n, n, |i, j| {
        let one = if i == j { real(1.0 + mean / t) } else { ZERO };
        (one - h[(i, j)] / t) * (copies[j] / states)
    });
    Ok(Partial::new(sites, Form::Mixed(rho)))
}

/// `exp(-H/T)/Z`, computed separately in each invariant block of H.
pub(super) fn gibbs_state(
    e: &Evaluator,
    hamiltonian: &Expr,
    temperature: &Expr,
    alone: bool,
) -> Result<Partial, Fault> {
    let Heated { sites, basis, inside, copies, temperature } = heated(e, hamiltonian, temperature, alone)?;
    let failed = |error: crate::linalg::LinalgError| -> Fault {
        Diagnostic::new(Code::NotConverged, hamiltonian.span(), format!("the Gibbs state cannot be computed: {error}"))
            .into()
    };
    let n = basis.dimension();
    if let Some(diagonal) = inside.diagonal() {
        let populations = crate::spin::boltzmann(&diagonal, &copies, temperature);
        return Ok(Partial::new(sites, Form::Diagonal(populations)));
    }
    if n > LARGEST_PART {
        return Err(too_large(n as f64, hamiltonian.span()));
    }
    let sparse = Sparse::of(&inside, &Space::whole(basis));
    let parts = components(n, [&sparse]);
    if parts.len() == 1 {
        return Ok(Partial::new(sites, Form::Mixed(gibbs(&sparse.dense(), temperature).map_err(failed)?)));
    }
    let dense = sparse.dense();
    let blocks: Vec<Matrix> =
        parts.iter().map(|p| Matrix::from_fn(p.len(), p.len(), |i, j| dense[(p[i], p[j])])).collect();
    let eigen: Vec<_> = blocks.iter().map(crate::linalg::hermitian_eigen).collect::<Result<_, _>>().map_err(failed)?;
    let levels: Vec<f64> = eigen.iter().flat_map(|x| x.values.clone()).collect();
    let weights: Vec<f64> = parts.iter().flat_map(|p| p.iter().map(|&s| copies[s])).collect();
    let populations = crate::spin::boltzmann(&levels, &weights, temperature);
    let mut rho = Matrix::zeros(n, n);
    let mut start = 0;
    for (part, eigen) in parts.iter().zip(&eigen) {
        let mut scaled = eigen.vectors.clone();
        for (k, p) in populations[start..start + part.len()].iter().enumerate() {
            scaled.column_mut(k).iter_mut().for_each(|x| *x *= *p);
        }
        let block = crate::linalg::product(&scaled, &eigen.vectors.adjoint());
        for (j, &column) in part.iter().enumerate() {
            for (i, &row) in part.iter().enumerate() {
                rho[(row, column)] = block[(i, j)];
            }
        }
        start += part.len();
    }
    Ok(Partial::new(sites, Form::Mixed(rho)))
}
