//! Free induction decays: `s(t) = Tr[rho(t) F+]` under a constant generator.

use super::Method;
use super::generator::{Generator, deviation};
use super::step::exact::{ExactOpen, stacked};
use super::step::{DENSE_LIOUVILLE, StepError, Stepper, choose};
use crate::hamiltonian::Acquire;
use crate::linalg::{C64, Matrix, Vector, ZERO, conjugate_back, hermitian_eigen};
use crate::spin::{Space, Sparse, State};

/// The decay of one member, without the receiver's phase.
///
/// Without relaxation, `s(t) = sum_ab (V+ rho V)_ab (V+ F+ V)_ba exp(-i (E_a - E_b) t)`: one frequency a pair of levels that F+
/// connects. With relaxation the stacked state is multiplied by one propagator a point.
///
/// # Errors
/// When eigenvalues cannot be computed, or a method fails.
pub fn decay(acquire: &Acquire, generator: &Generator, space: &Space, state: &State) -> Result<Vec<C64>, StepError> {
    let raising = Sparse::of(&acquire.raising, space).dense();
    let (points, dwell) = (acquire.points, acquire.dwell);
    let rho = state.density();
    if generator.is_closed() {
        let eigen = hermitian_eigen(&generator.hamiltonian(0.0))?;
        // The identity gives no signal, and at a polarisation of 1e-5 its rounding would.
        let mut inside = Matrix::zeros(0, 0);
        let _ = deviation(&rho, |d| {
            inside = conjugate_back(&eigen.vectors, d);
            d.clone()
        });
        let observed = conjugate_back(&eigen.vectors, &raising);
        let mut lines: Vec<(f64, C64)> = Vec::new();
        for b in 0..rho.ncols() {
            for a in 0..rho.nrows() {
                let amplitude = inside[(a, b)] * observed[(b, a)];
                if amplitude != ZERO {
                    lines.push((eigen.values[b] - eigen.values[a], amplitude));
                }
            }
        }
        let largest = lines.iter().map(|(_, x)| x.norm()).fold(0.0, f64::max);
        lines.retain(|(_, x)| x.norm() > 1e-17 * largest);
        let mut out = vec![ZERO; points];
        for (frequency, amplitude) in lines {
            // A phase multiplied on from point to point drifts by rounding; it is set anew every 64 points.
            let turn = C64::cis(frequency * dwell);
            for (block, part) in out.chunks_mut(64).enumerate() {
                let mut phase = amplitude * C64::cis(frequency * dwell * (64 * block) as f64);
                for x in part {
                    *x += phase;
                    phase *= turn;
                }
            }
        }
        return Ok(out);
    }
    // Tr[rho F+] as a product of stacked matrices.
    let observed = stacked(&raising.transpose());
    let signal = |v: &Vector| v.iter().zip(observed.iter()).map(|(x, f)| x * f).sum::<C64>();
    let mut out = Vec::with_capacity(points);
    if generator.dimension * generator.dimension <= DENSE_LIOUVILLE {
        let propagator = ExactOpen::new(generator).propagator(dwell);
        let mut v = stacked(&rho);
        for _ in 0..points {
            out.push(signal(&v));
            v = &propagator * v;
        }
        return Ok(out);
    }
    let mut stepper: Box<dyn Stepper> = choose(generator, &acquire.segment, state, Method::Auto, 1e-9)?;
    let mut now = State::Mixed(rho);
    for k in 0..points {
        out.push(signal(&stacked(&now.density())));
        now = stepper.advance(&now, dwell * k as f64, dwell * (k + 1) as f64)?;
    }
    Ok(out)
}
