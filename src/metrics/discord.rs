//! Discord and classical correlation for projective measurements of one qubit.
//!
//! `J = max_n [S(b) - sum_pm p_pm S(b | pm)]`, `D = I(a,b) - J` (Ollivier, Zurek, PRL 88, 017901), in bits. Entropies are computed as
//! deficits relative to the maximally mixed state, which stay accurate at polarisations of 1e-9. The measurement is a direction n on the
//! unit sphere: after outcome +-, b is in the unnormalised state `(R_0 +- n.R)/2` with `R_k = Tr_a[sigma_k rho]`. The known formula for X
//! states with two or three candidate angles is not exact, so the hemisphere is searched: a grid that contains the poles, then Newton
//! steps from its lowest local minima.

#![expect(
    clippy::indexing_slicing,
    reason = "indices are grid points with one value each, and there are four components"
)]

use super::deviation::{g, traceless};
use super::single_site::component;
use super::{Argument, Moment, Undefined, Value, mutual_information};
use crate::linalg::{LinalgError, Matrix, hermitian_values};
use std::f64::consts::{FRAC_PI_2, LN_2, PI};
use std::sync::LazyLock;

/// Largest joint dimension of both parts: each direction needs the eigenvalues of two matrices.
const LARGEST: f64 = 256.0;

/// `(1 + x) ln(1 + x) + (1 - x) ln(1 - x)`.
fn even_g(x: f64) -> f64 {
    g(x) + g(-x)
}

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

/// `weighted_deficit` of a qubit, from the trace of its state and the length of its unnormalised Bloch vector.
fn qubit_deficit(trace: f64, radius: f64) -> f64 {
    if trace <= 0.0 { 0.0 } else { 0.5 * trace * even_g((radius / trace).min(1.0)) }
}

/// Minimum over directions n of a function of the two states `(R_0 +- n.R)/2`.
pub(super) fn best_measurement(
    parts: &[Matrix; 4],
    cost: impl Fn(&Matrix) -> Result<f64, LinalgError>,
) -> Result<f64, LinalgError> {
    smallest(|n| {
        let mut along = parts[1].map(|x| x * n[0]);
        along += parts[2].map(|x| x * n[1]);
        along += parts[3].map(|x| x * n[2]);
        let plus = (&parts[0] + &along).map(|x| x * 0.5);
        let minus = (&parts[0] - &along).map(|x| x * 0.5);
        Ok(cost(&plus)? + cost(&minus)?)
    })
}

/// Number of polar angles of the grid, from the pole to the equator.
const POLAR: usize = 9;

/// Number of azimuthal angles of the grid; must be even.
const AZIMUTHAL: usize = 16;

/// Number of local minima of the grid that are refined.
const FOLLOWED: usize = 3;

/// Minimum of an even function of the direction.
fn smallest(value: impl Fn([f64; 3]) -> Result<f64, LinalgError>) -> Result<f64, LinalgError> {
    /// Directions and their angles, row by row; every column of the first row is the pole.
    static GRID: LazyLock<Vec<([f64; 3], f64, f64)>> = LazyLock::new(|| {
        let angles = |k: usize| {
            let theta = FRAC_PI_2 * (k / AZIMUTHAL) as f64 / (POLAR - 1) as f64;
            (theta, 2.0 * PI * (k % AZIMUTHAL) as f64 / AZIMUTHAL as f64)
        };
        (0..POLAR * AZIMUTHAL).map(angles).map(|(theta, phi)| (direction(theta, phi), theta, phi)).collect()
    });
    let pole = value(GRID[0].0)?;
    let mut values = vec![pole; AZIMUTHAL];
    for (n, ..) in &GRID[AZIMUTHAL..] {
        values.push(value(*n)?);
    }
    // The tolerance scales with the function: at 300 K the mutual information is below 1e-10 bit.
    let least = 1e-16 * values.iter().fold(0.0f64, |m, x| m.max(x.abs()));
    let mut minima: Vec<usize> = (0..values.len())
        .filter(|&k| (k == 0 || k >= AZIMUTHAL) && neighbours(k).iter().all(|&other| values[k] <= values[other]))
        .collect();
    minima.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let at = |theta: f64, phi: f64| value(direction(theta, phi));
    let mut best = pole;
    for &k in minima.iter().take(FOLLOWED) {
        best = best.min(descend(&at, values[k], (GRID[k].1, GRID[k].2), least)?);
    }
    Ok(best)
}

fn direction(theta: f64, phi: f64) -> [f64; 3] {
    let ((st, ct), (sp, cp)) = (theta.sin_cos(), phi.sin_cos());
    [st * cp, st * sp, ct]
}

/// Neighbours of a grid point. Those of the pole are the whole next row; beyond the equator the antipodal point is used, where an even
/// function has the same value.
fn neighbours(k: usize) -> Vec<usize> {
    let (row, column) = (k / AZIMUTHAL, k % AZIMUTHAL);
    let place = |row: usize, column: usize| row * AZIMUTHAL + column % AZIMUTHAL;
    if row == 0 {
        return (0..AZIMUTHAL).map(|c| place(1, c)).collect();
    }
    let beyond = if row + 1 < POLAR { place(row + 1, column) } else { place(row - 1, column + AZIMUTHAL / 2) };
    vec![place(row, column + 1), place(row, column + AZIMUTHAL - 1), place(row - 1, column), beyond]
}

/// Newton steps with finite-difference derivatives in the tangent plane, accepted only if the value decreases; if the Hessian is not
/// positive definite or a step fails, tries the four neighbours with decreasing step size.
fn descend(
    at: &impl Fn(f64, f64) -> Result<f64, LinalgError>,
    mut value: f64,
    (mut theta, mut phi): (f64, f64),
    least: f64,
) -> Result<f64, LinalgError> {
    let mut step = 0.1;
    while step > 1e-8 {
        // Near the pole, steps in phi are scaled so that both directions have equal length on the sphere.
        let stretch = 1.0 / theta.sin().abs().max(1e-3);
        let moved = |t: f64, p: f64| at(theta + t * step, phi + p * step * stretch);
        let (e, w, s, n) = (moved(0.0, 1.0)?, moved(0.0, -1.0)?, moved(1.0, 0.0)?, moved(-1.0, 0.0)?);
        let (slope_t, slope_p) = (0.5 * (s - n), 0.5 * (e - w));
        let (curve_t, curve_p) = (s + n - 2.0 * value, e + w - 2.0 * value);
        let mixed = moved(1.0, 1.0)? - s - e + value;
        let determinant = curve_t * curve_p - mixed * mixed;
        // The first of equal neighbours.
        let neighbours = [(w, 0.0, -1.0), (s, 1.0, 0.0), (n, -1.0, 0.0)];
        let mut lowest =
            neighbours.into_iter().fold((e, 0.0, 1.0), |best, next| if next.0 < best.0 { next } else { best });
        if curve_t > 0.0 && determinant > 0.0 {
            let dt = (mixed * slope_p - curve_p * slope_t) / determinant;
            let dp = (mixed * slope_t - curve_t * slope_p) / determinant;
            // The quadratic model is not trusted beyond two steps.
            let shorter = (2.0 / dt.hypot(dp)).min(1.0);
            let (dt, dp) = (dt * shorter, dp * shorter);
            let newton = moved(dt, dp)?;
            if newton < lowest.0 {
                lowest = (newton, dt, dp);
            }
        }
        let (lowest, along_t, along_p) = lowest;
        if lowest < value {
            let gain = value - lowest;
            (value, theta, phi) = (lowest, theta + along_t * step, phi + along_p * step * stretch);
            if gain > least {
                continue;
            }
            // If differences at this step size give no progress, smaller ones may; the last ones are limited by rounding.
            if step < 1e-5 {
                break;
            }
        }
        step *= 0.2;
    }
    Ok(value)
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
    smallest(|n| {
        let along: [f64; 4] = std::array::from_fn(|i| n[0] * bloch[1][i] + n[1] * bloch[2][i] + n[2] * bloch[3][i]);
        let outcome = |sign: f64| {
            let [t, x, y, z]: [f64; 4] = std::array::from_fn(|i| 0.5 * (bloch[0][i] + sign * along[i]));
            let radius = (x * x + y * y + z * z).sqrt();
            qubit_deficit(t, radius)
        };
        Ok(-outcome(1.0) - outcome(-1.0))
    })
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
    use super::super::random::{pure, state, unitary};
    use super::super::{entropy, mutual_information};
    use super::*;
    use crate::linalg::{conjugate, kron};
    use crate::spin::reduce;

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
            let value = |n: [f64; 3]| {
                let along = parts[1].map(|x| x * n[0]) + parts[2].map(|x| x * n[1]) + parts[3].map(|x| x * n[2]);
                let half = |sign: f64| (&parts[0] + along.map(|x| x * sign)).map(|x| x * 0.5);
                Ok(-weighted_deficit(&half(1.0))? - weighted_deficit(&half(-1.0))?)
            };
            let at = |theta: f64, phi: f64| value(direction(theta, phi));
            let mut best = f64::INFINITY;
            for i in 0..=16 {
                for j in 0..32 {
                    let (theta, phi) = (FRAC_PI_2 * f64::from(i) / 16.0, 2.0 * PI * f64::from(j) / 32.0);
                    best = best.min(descend(&at, at(theta, phi).unwrap(), (theta, phi), 1e-16).unwrap());
                }
            }
            best
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
