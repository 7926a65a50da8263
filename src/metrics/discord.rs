//! Discord and classical correlation for projective measurements of one qubit.
//!
//! `J = max_n [S(b) - sum_pm p_pm S(b | pm)]`, `D = I(a,b) - J` (Ollivier, Zurek, PRL 88, 017901), in bits. Entropies are computed as
//! deficits relative to the maximally mixed state, which stay accurate at polarisations of 1e-9. The measurement is a direction n on the
//! unit sphere: after outcome +-, b is in the unnormalised state `(R_0 +- n.R)/2` with `R_k = Tr_a[sigma_k rho]`. The known formula for X
//! states with two or three candidate angles is not exact, so the hemisphere is searched, for two qubits in SIMD lanes. Of an X state the
//! azimuth is known: p depends on the polar angle alone, and the deficit increases with the length of the Bloch vector of b, whose component
//! across z is `sin(theta) |cos(phi) v_x + sin(phi) v_y|`; only the polar angle is searched.

#![allow(clippy::needless_range_loop, reason = "kernels are plain loops: iterators may not be inlined into them")]
#![expect(
    clippy::indexing_slicing,
    reason = "there are four components, of four numbers each, and no more directions than lanes"
)]

use super::deviation::{g, traceless};
use super::directions::{smallest, smallest_on_meridian};
use super::single_site::component;
use super::{Argument, Moment, Undefined, Value, mutual_information};
use crate::lanes::{LANES, Lane, ln, sin_cos};
use crate::linalg::{LinalgError, Matrix, hermitian_values};
use std::f64::consts::LN_2;

/// Largest joint dimension of both parts: each direction needs the eigenvalues of two matrices.
const LARGEST: f64 = 256.0;

/// Probability of an unnormalised state times the entropy deficit `ln d - S` of the normalised state, in nats.
fn weighted_deficit(m: &Matrix) -> Result<f64, LinalgError> {
    let probability = m.trace().re;
    if probability <= 0.0 {
        return Ok(0.0);
    }
    let d = m.nrows() as f64;
    let values = hermitian_values(&traceless(m))?;
    Ok(probability / d * values.iter().map(|x| g(d * x / probability)).sum::<f64>())
}

/// Minimum over directions n of a function of the two states `(R_0 +- n.R)/2`.
pub(super) fn best_measurement(
    parts: &[Matrix; 4],
    cost: impl Fn(&Matrix) -> Result<f64, LinalgError>,
) -> Result<f64, LinalgError> {
    let value = |[theta, phi]: [f64; 2]| {
        let ((st, ct), (sp, cp)) = (theta.sin_cos(), phi.sin_cos());
        let mut along = parts[1].map(|x| x * (st * cp));
        along += parts[2].map(|x| x * (st * sp));
        along += parts[3].map(|x| x * ct);
        let plus = (&parts[0] + &along).map(|x| x * 0.5);
        let minus = (&parts[0] - &along).map(|x| x * 0.5);
        Ok(cost(&plus)? + cost(&minus)?)
    };
    smallest(|angles, out| {
        for (out, angles) in out.iter_mut().zip(angles) {
            *out = value(*angles)?;
        }
        Ok(())
    })
}

/// The four components `R_k = Tr_a[sigma_k rho]` on the rest; qubit `a` is the first factor.
pub(super) fn components(rho: &Matrix) -> [Matrix; 4] {
    let rest = rho.nrows() / 2;
    std::array::from_fn(|k| component(rho, &[2, rest], 0, k))
}

/// Classical correlation J, in bits; the first factor is the measured qubit.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn classical_correlation(rho: &Matrix) -> Result<f64, LinalgError> {
    let parts = components(rho);
    let told = match rho.nrows() {
        4 => -qubit_told(&parts)?,
        _ => -best_measurement(&parts, |m| Ok(-weighted_deficit(m)?))?,
    };
    Ok(((told - weighted_deficit(&parts[0])?) / LN_2).max(0.0))
}

/// Minimum over directions of minus the mean entropy deficit of a qubit b, without matrices: with traces `t_k` and Bloch vectors
/// `v_k` of the components, an outcome has probability `(t_0 +- n.t)/2` and unnormalised Bloch vector `(v_0 +- sum n_k v_k)/2`.
fn qubit_told(parts: &[Matrix; 4]) -> Result<f64, LinalgError> {
    let bloch = parts.each_ref().map(|m| {
        let x = m[(0, 1)] + m[(1, 0)].conj();
        [m[(0, 0)].re + m[(1, 1)].re, x.re, -x.im, m[(0, 0)].re - m[(1, 1)].re]
    });
    let values = |angles: &[[f64; 2]], out: &mut [f64]| {
        pulp::Arch::new().dispatch(QubitTold { bloch: &bloch, angles, out });
        Ok(())
    };
    match best_azimuth(&bloch) {
        Some(phi) => smallest_on_meridian(phi, values),
        None => smallest(values),
    }
}

/// The azimuth of the best measurement of an X state, whatever its polar angle; `None` for other states. Elements that symmetries make
/// vanish are exactly zero.
fn best_azimuth(bloch: &[[f64; 4]; 4]) -> Option<f64> {
    let [[_, x0, y0, _], [t1, x1, y1, z1], [t2, x2, y2, z2], [_, x3, y3, _]] = *bloch;
    if [x0, y0, t1, z1, t2, z2, x3, y3].iter().any(|x| *x != 0.0) {
        return None;
    }
    // The maximum of `|cos(phi) v_1 + sin(phi) v_2|`.
    Some(0.5 * (2.0 * (x1 * x2 + y1 * y2)).atan2(x1 * x1 + y1 * y1 - x2 * x2 - y2 * y2))
}

/// Kernel: minus the mean entropy deficit of a qubit after a measurement, for some directions.
struct QubitTold<'a> {
    /// For each component its trace and Bloch vector.
    bloch: &'a [[f64; 4]; 4],
    angles: &'a [[f64; 2]],
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for QubitTold<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let QubitTold { bloch, angles, out } = self;
        for (angles, out) in angles.chunks(LANES).zip(out.chunks_mut(LANES)) {
            let (mut theta, mut phi) = (Lane::zero(), Lane::zero());
            for (l, [t, p]) in angles.iter().enumerate() {
                theta.0[l] = *t;
                phi.0[l] = *p;
            }
            let ((st, ct), (sp, cp)) = (sin_cos(theta), sin_cos(phi));
            let n = [st * cp, st * sp, ct];
            let mut sum = Lane::zero();
            for sign in [0.5, -0.5] {
                let mut state = [Lane::zero(); 4];
                for i in 0..4 {
                    let along = n[0] * bloch[1][i] + n[1] * bloch[2][i] + n[2] * bloch[3][i];
                    state[i] = along * sign + Lane::splat(0.5 * bloch[0][i]);
                }
                let [t, x, y, z] = state;
                sum += qubit_deficit(t, x.mul_add(x, y.mul_add(y, z * z)).sqrt());
            }
            for (l, out) in out.iter_mut().enumerate() {
                *out = -sum.0[l];
            }
        }
    }
}

/// `weighted_deficit` of qubits, from the traces of their states and the lengths of their unnormalised Bloch vectors.
#[inline(always)]
fn qubit_deficit(trace: Lane, radius: Lane) -> Lane {
    let found = trace * 0.5 * even_g((radius / trace).min(Lane::splat(1.0)));
    Lane::if_greater(trace, Lane::zero(), found, Lane::zero())
}

/// Coefficients `2/(k (k - 1))` of `x^k`, `k = 36, 34, ..., 2`.
const EVEN_G: [f64; 18] = {
    let mut out = [0.0; 18];
    let mut i = 0;
    while i < 18 {
        let k = 36.0 - 2.0 * i as f64;
        out[i] = 2.0 / (k * (k - 1.0));
        i += 1;
    }
    out
};

/// `(1 + x) ln(1 + x) + (1 - x) ln(1 - x)` for x from 0 to 1, by its power series below 0.4, beyond which less than a digit cancels.
#[inline(always)]
fn even_g(x: Lane) -> Lane {
    let square = x * x;
    let mut series = Lane::zero();
    for c in EVEN_G {
        series = series.mul_add(square, Lane::splat(c));
    }
    let (more, less) = (x + Lane::splat(1.0), Lane::splat(1.0) - x);
    let direct = more.mul_add(ln(more), less * ln(less.max(Lane::splat(f64::MIN_POSITIVE))));
    Lane::if_greater(Lane::splat(0.4), x, series * square, direct)
}

/// Discord D, in bits; the first factor is the measured qubit.
///
/// # Errors
/// When eigenvalues cannot be computed.
pub fn discord(rho: &Matrix) -> Result<f64, LinalgError> {
    let rest = rho.nrows() / 2;
    Ok(mutual_information(rho, 2, rest)? - classical_correlation(rho)?)
}

fn pair(m: &Moment, a: &[Argument]) -> Result<Matrix, Undefined> {
    let measured = m.site(a, 0)?;
    if m.dimension(measured) != 2 {
        return Err(Undefined::Domain("the measured subsystem must be a spin 1/2".into()));
    }
    let others = m.sites(a, 1)?;
    if others.contains(&measured) {
        return Err(Undefined::Domain("the measured subsystem must not be among the others".into()));
    }
    let mut sites = vec![measured];
    sites.extend(others);
    let states: f64 = sites.iter().map(|&s| m.dimension(s) as f64).product();
    if states > LARGEST {
        return Err(Undefined::Domain(format!(
            "the measurement would be optimised on {states} states, more than {LARGEST}; name fewer spins"
        )));
    }
    m.reduced(&sites)
}

pub(super) fn evaluate_discord(m: &Moment, a: &[Argument]) -> Value {
    Ok(discord(&pair(m, a)?)?)
}

pub(super) fn evaluate_classical(m: &Moment, a: &[Argument]) -> Value {
    Ok(classical_correlation(&pair(m, a)?)?)
}

#[cfg(test)]
mod tests {
    use super::super::directions::descend;
    use super::super::random::{pure, state, unitary};
    use super::super::{entropy, mutual_information};
    use super::*;
    use crate::linalg::{conjugate, kron};
    use crate::spin::reduce;
    use std::f64::consts::{FRAC_PI_2, PI};

    #[test]
    fn discord_lies_between_zero_and_its_bounds() {
        for seed in 0..20 {
            let rho = state(4, seed);
            let d = discord(&rho).unwrap();
            let s = entropy(&reduce(&rho, &[2, 2], &[0])).unwrap();
            assert!(d > -1e-10 && d <= s.min(mutual_information(&rho, 2, 2).unwrap()) + 1e-10);
            // Local unitaries do not change the discord.
            let u = kron(&unitary(2, seed + 1), &unitary(2, seed + 2));
            let turned = discord(&conjugate(&u, &rho)).unwrap();
            assert!((turned - d).abs() < 1e-8, "seed {seed}: {turned} {d}");
        }
    }

    #[test]
    fn pure_states_have_the_entropy_of_entanglement() {
        for seed in 0..10 {
            let rho = pure(6, seed);
            let s = entropy(&reduce(&rho, &[2, 3], &[0])).unwrap();
            assert!((discord(&rho).unwrap() - s).abs() < 1e-9);
        }
    }

    /// Luo, Phys. Rev. A 77, 042303: closed form for Bell-diagonal states.
    #[test]
    fn bell_diagonal_states_have_a_closed_form() {
        let c = [0.3f64, -0.4, 0.56];
        let mut rho = super::super::single_site::pauli(0).kronecker(&super::super::single_site::pauli(0));
        for (k, c) in c.iter().enumerate() {
            let s = super::super::single_site::pauli(k + 1);
            rho += s.kronecker(&s).map(|x| x * *c);
        }
        let rho = rho.map(|x| x * 0.25);
        let largest = 0.56f64;
        let classical = (1.0 - largest) / 2.0 * (1.0 - largest).log2() + (1.0 + largest) / 2.0 * (1.0 + largest).log2();
        assert!((classical_correlation(&rho).unwrap() - classical).abs() < 1e-10);
    }

    /// The closed form for a qubit agrees with the matrix form.
    #[test]
    fn a_qubit_is_measured_alike_in_both_ways() {
        for seed in 0..20 {
            let parts = components(&state(4, seed));
            let slow = best_measurement(&parts, |m| Ok(-weighted_deficit(m)?)).unwrap();
            assert!((qubit_told(&parts).unwrap() - slow).abs() < 1e-12, "seed {seed}");
        }
    }

    /// Compared with a grid four times as dense and refinement from every point, for random states and for X states, whose best
    /// direction may be off the axes.
    #[test]
    fn no_better_measurement_is_missed() {
        let thorough = |parts: &[Matrix; 4]| {
            let value = |[theta, phi]: [f64; 2]| {
                let ((st, ct), (sp, cp)) = (theta.sin_cos(), phi.sin_cos());
                let along = parts[1].map(|x| x * st * cp) + parts[2].map(|x| x * st * sp) + parts[3].map(|x| x * ct);
                let half = |sign: f64| (&parts[0] + along.map(|x| x * sign)).map(|x| x * 0.5);
                -weighted_deficit(&half(1.0)).unwrap() - weighted_deficit(&half(-1.0)).unwrap()
            };
            let angles = (0..17 * 32).map(|k| [FRAC_PI_2 * f64::from(k / 32) / 16.0, PI * f64::from(k % 32) / 16.0]);
            let values = |angles: &[[f64; 2]], out: &mut [f64]| {
                out.iter_mut().zip(angles).for_each(|(out, angles)| *out = value(*angles));
                Ok(())
            };
            descend(values, angles.map(|angles| (value(angles), angles)), 1e-16).unwrap()
        };
        for seed in 0..40 {
            let mut rho = state(4, seed);
            if seed % 2 == 1 {
                // Keep only the diagonal and the antidiagonal.
                (0..4).for_each(|i| (0..4).filter(|j| i != *j && i + j != 3).for_each(|j| rho[(i, j)] *= 0.0));
            }
            let parts = components(&rho);
            let (found, best) = (qubit_told(&parts).unwrap(), thorough(&parts));
            assert!((found - best).abs() < 1e-9, "seed {seed}: {found} beside {best}");
        }
    }
}
