//! Parallel ergotropy: maximum work extracted by a product of one-qubit unitaries (Castellano et al., arXiv:2407.20916).
//!
//! `max_i W_i <= W_par <= W` with the single-site values W_i. Each step applies the optimal rotation of one qubit, which has a closed form
//! (see `single_site`). This alternating maximisation converges slowly where the objective is nearly flat along a common rotation, so it is
//! followed by a quasi-Newton (BFGS) search in all angles. Several starts are used (multistart); the result is a lower bound unless the
//! global maximum was among those found.

use super::deviation::traceless;
use super::single_site::{correlation, lowest, pauli};
use super::{Argument, Moment, Undefined, Value};
use crate::linalg::{C64, I, Matrix, Real3, conjugate, identity, trace_of_product};
use nalgebra::{DMatrix, DVector, Rotation3, UnitQuaternion, Vector3};

/// Maximum number of spins whose rotations are optimised jointly.
const MOST_SITES: usize = 8;

/// Parallel ergotropy of qubits, in the units of `h`.
///
/// # Errors
/// When a subsystem is not a qubit.
pub fn parallel_ergotropy(rho: &Matrix, h: &Matrix, sites: usize) -> Result<f64, Undefined> {
    if rho.nrows() != 1 << sites {
        return Err(Undefined::Domain("parallel ergotropy is defined for spins 1/2".into()));
    }
    let dimensions = vec![2; sites];
    // The identity parts do not affect the work.
    let (rho, h) = (&traceless(rho), &traceless(h));
    let start = trace_of_product(rho, h).re;
    let mut best = start;
    for rotations in starts(sites) {
        let state = rotations.iter().enumerate().fold(rho.clone(), |state, (site, rotation)| match rotation {
            Some(rotation) => conjugate(&on_site(rotation, site, sites), &state),
            None => state,
        });
        let state = see_saw(state, h, &dimensions);
        best = best.min(polish(state, h, sites));
    }
    Ok(start - best)
}

/// Number of starts with generic rotations, which leave points that are stationary only by symmetry.
const GENERIC: usize = 4;

/// Start points, one rotation per site: all combinations of half-turns about x of the first four qubits (including none), half-turns
/// about y of all, half-turns about z of every other qubit, and generic rotations. If state and Hamiltonian share a symmetry, all but
/// the generic ones are stationary points and may be saddles.
fn starts(sites: usize) -> Vec<Vec<Option<Matrix>>> {
    let few = sites.min(4);
    let half = |axis: usize| Some(pauli(axis));
    let mut starts: Vec<Vec<Option<Matrix>>> = (0..1usize << few)
        .map(|mask| (0..sites).map(|s| if s < few && mask >> s & 1 == 1 { half(1) } else { None }).collect())
        .collect();
    starts.push(vec![half(2); sites]);
    starts.push((0..sites).map(|s| if s % 2 == 0 { half(3) } else { None }).collect());
    // Multiples of the inverse powers of the root of x^4 = x + 1 fill a cube evenly (Roberts's sequence).
    const ROOT: f64 = 1.220_744_084_605_759_5;
    let angle = |k: usize, power: i32| std::f64::consts::TAU * (k as f64 * ROOT.powi(-power)).fract();
    starts.extend((0..GENERIC).map(|start| {
        let generic = |site: usize| {
            let k = 1 + start * sites + site;
            let [a, b, c] = [1, 2, 3].map(|power| angle(k, power));
            unitary(&UnitQuaternion::from_euler_angles(a, b, c))
        };
        (0..sites).map(|site| Some(generic(site))).collect()
    }));
    starts
}

fn on_site(m: &Matrix, site: usize, sites: usize) -> Matrix {
    let before = identity(1 << site);
    let after = identity(1 << (sites - site - 1));
    before.kronecker(m).kronecker(&after)
}

/// `w - i (x, y, z) . sigma`, the 2 x 2 unitary of a unit quaternion.
fn unitary(q: &UnitQuaternion<f64>) -> Matrix {
    let part = |axis: usize, x: f64| pauli(axis) * C64::from(x);
    identity(2) * C64::from(q.w) - (part(1, q.i) + part(2, q.j) + part(3, q.k)) * I
}

/// The 2 x 2 unitary that rotates Bloch vectors by `rotation`, in closed form. `Rotation3::from_matrix` would first look for the nearest
/// rotation by an iteration that need not end.
fn unitary_of(rotation: &Real3) -> Matrix {
    let q = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(*rotation));
    unitary(&UnitQuaternion::new_normalize(q.into_inner()))
}

fn see_saw(mut state: Matrix, h: &Matrix, dimensions: &[usize]) -> Matrix {
    let sites = dimensions.len();
    let mut energy = trace_of_product(&state, h).re;
    for _ in 0..60 {
        for site in 0..sites {
            if let Some((_, rotation)) = lowest(&correlation(&state, h, dimensions, site)) {
                let turned = conjugate(&on_site(&unitary_of(&rotation), site, sites), &state);
                // The rotation reconstructed from its matrix has rounding errors; accept only a decrease.
                if trace_of_product(&turned, h).re < trace_of_product(&state, h).re {
                    state = turned;
                }
            }
        }
        let now = trace_of_product(&state, h).re;
        if energy - now <= 1e-15 * energy.abs().max(now.abs()) {
            break;
        }
        energy = now;
    }
    state
}

/// `exp(-i sum_k x_k sigma_k / 2)` on every site.
fn rotate(state: &Matrix, x: &DVector<f64>, sites: usize) -> Matrix {
    let mut u = identity(1);
    for site in 0..sites {
        let v = Vector3::new(x[3 * site], x[3 * site + 1], x[3 * site + 2]);
        u = u.kronecker(&unitary(&UnitQuaternion::from_scaled_axis(v)));
    }
    conjugate(&u, state)
}

/// `dE/dx` at x = 0: `Tr[-i [sigma/2, rho] H]`.
fn gradient(state: &Matrix, h: &Matrix, sites: usize) -> DVector<f64> {
    let c = crate::linalg::commutator(state, h);
    let half: Vec<C64> =
        (0..3 * sites).map(|k| trace_of_product(&on_site(&pauli(k % 3 + 1), k / 3, sites), &c)).collect();
    // -i Tr[[s, rho] H] / 2 = -i Tr[s [rho, H]] / 2.
    DVector::from_iterator(3 * sites, half.iter().map(|t| (-I * t * 0.5).re))
}

/// BFGS search with the origin of the angles moved to the current state, so that the gradient has its simple form.
fn polish(mut state: Matrix, h: &Matrix, sites: usize) -> f64 {
    let n = 3 * sites;
    let mut inverse = DMatrix::<f64>::identity(n, n);
    let mut energy = trace_of_product(&state, h).re;
    let scale = h.norm().max(f64::MIN_POSITIVE);
    // Gradients scale with the deviation.
    let size = state.norm().min(1.0);
    let mut g = gradient(&state, h, sites);
    for _ in 0..200 {
        if g.norm() <= 1e-13 * scale * size {
            break;
        }
        let mut step = -(&inverse * &g);
        if step.dot(&g) >= 0.0 {
            inverse = DMatrix::identity(n, n);
            step = -g.clone() / (scale * size.max(f64::MIN_POSITIVE));
        }
        let longest = step.amax();
        if longest > 1.0 {
            step /= longest;
        }
        let Some((next, lower, taken)) = line_search(&state, h, sites, energy, &step, step.dot(&g)) else { break };
        let s = &step * taken;
        let g_next = gradient(&next, h, sites);
        let y = &g_next - &g;
        let sy = s.dot(&y);
        if sy > 1e-300 {
            let hy = &inverse * &y;
            let yhy = y.dot(&hy);
            inverse += &s * s.transpose() * ((1.0 + yhy / sy) / sy) - (&hy * s.transpose() + &s * hy.transpose()) / sy;
        }
        (state, energy, g) = (next, lower, g_next);
    }
    energy
}

fn line_search(
    state: &Matrix,
    h: &Matrix,
    sites: usize,
    energy: f64,
    step: &DVector<f64>,
    slope: f64,
) -> Option<(Matrix, f64, f64)> {
    let mut length = 1.0;
    for _ in 0..40 {
        let next = rotate(state, &(step * length), sites);
        let lower = trace_of_product(&next, h).re;
        if lower < energy + 1e-4 * length * slope {
            return Some((next, lower, length));
        }
        length *= 0.5;
    }
    None
}

pub(super) fn evaluate(m: &Moment, _: &[Argument]) -> Value {
    let cells = m.battery()?;
    m.has_single_spins(&cells.sites)?;
    if cells.sites.iter().any(|&s| m.dimension(s) != 2) {
        return Err(Undefined::Domain("parallel ergotropy is defined for spins 1/2".into()));
    }
    if cells.sites.len() > MOST_SITES {
        return Err(Undefined::Domain(format!(
            "rotations are optimised for up to {MOST_SITES} spins, the battery has {}; without couplings use the equal `marginal_ergotropy`; `single_site_ergotropy` is a lower bound",
            cells.sites.len()
        )));
    }
    parallel_ergotropy(m.battery_state()?, cells.hamiltonian()?, cells.sites.len())
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::super::{ergotropy, single_site_ergotropy};
    use super::*;
    use crate::linalg::kron;

    /// `U sigma_b U^dagger = sum_a R_ab sigma_a`, for generic rotations, half-turns and rotations close to both ends, and with rounding
    /// errors in R.
    #[test]
    fn unitaries_rotate_bloch_vectors() {
        let axis = |k: u64| Vector3::from_fn(|j, _| ((3 * k + j as u64 + 1) as f64 * 0.754_877_666_2).fract() - 0.5);
        let angles = [0.0, 1e-17, 1e-9, 0.7, 2.0, std::f64::consts::PI - 1e-9, std::f64::consts::PI, 4.0];
        let axes = (0..40).map(axis).chain([Vector3::x(), Vector3::y(), Vector3::z(), Vector3::new(1.0, 1.0, 0.0)]);
        for (k, axis) in axes.enumerate() {
            for angle in angles {
                let exact = Rotation3::from_axis_angle(&nalgebra::Unit::new_normalize(axis), angle).into_inner();
                let rounded = exact + Real3::from_fn(|i, j| 1e-16 * ((k + 3 * i + j) as f64).sin());
                let u = unitary_of(&rounded);
                for b in 0..3 {
                    let turned = conjugate(&u, &pauli(b + 1));
                    let expected = (0..3).fold(Matrix::zeros(2, 2), |m, a| m + pauli(a + 1) * C64::from(exact[(a, b)]));
                    // Near a half-turn an axis has the square root of the error of the diagonal, but the product has its size.
                    assert!((turned - expected).norm() < 4e-15, "{k} {angle}");
                }
            }
        }
    }

    #[test]
    fn it_lies_between_one_site_and_all() {
        for seed in 0..8 {
            let (rho, h) = (state(4, seed), hamiltonian(4, seed + 20));
            let w = parallel_ergotropy(&rho, &h, 2).unwrap();
            let one = (0..2).map(|k| single_site_ergotropy(&rho, &h, &[2, 2], k).unwrap()).fold(0.0, f64::max);
            assert!(one <= w + 1e-10 && w <= ergotropy(&rho, &h).unwrap() + 1e-10);
        }
    }

    /// Diagonal states `a Z_0 + b Z_1 + c Z_0 Z_1` under `g X_0 X_1 + e Z_0`, where half-turns map stationary points to each other: the
    /// lowest energy is `-4 sqrt((e a)^2 + (g c)^2)`, with spin 1 rotated to x and spin 0 between z and x.
    #[test]
    fn symmetric_states_do_not_hide_their_work() {
        // Without generic starts the last two seeds end at saddles (as do two in four thousand).
        for seed in (0..60).chain([1223, 3989]) {
            let x = |k: u64| ((seed * 7 + k * 13) as f64 * 0.618_033_988_749_895).fract() - 0.5;
            let z = |site| on_site(&pauli(3), site, 2);
            let both = |axis: usize| on_site(&pauli(axis), 0, 2) * on_site(&pauli(axis), 1, 2);
            let size = [1.0, 1e-2, 1e-6][seed as usize % 3];
            let (a, b, c, g, e) = (size * x(1), size * x(2), 0.3 * size * x(3), 200.0 * x(4), 60.0 * x(5));
            // In every second state, coherences of the size of rounding errors.
            let rounding = hamiltonian(4, seed) * C64::from(1e-15 * size * (seed % 2) as f64);
            let rho = z(0) * C64::from(a) + z(1) * C64::from(b) + both(3) * C64::from(c) + rounding;
            let h = both(1) * C64::from(g) + z(0) * C64::from(e);
            let exact = 4.0 * (e * a + (e * a).hypot(g * c));
            let found = parallel_ergotropy(&rho, &h, 2).unwrap();
            // The search stops at gradients of 1e-13 of |rho| |H|; `exact` is a difference of numbers about 100 times the size of rho.
            assert!((found - exact).abs() <= 1e-7 * exact + 1e-12 * size, "seed {seed}: {found} and {exact}");
        }
    }

    #[test]
    fn without_couplings_it_is_the_marginal_ergotropy() {
        for seed in 0..5 {
            let (a, b) = (hamiltonian(2, seed), hamiltonian(2, seed + 1));
            let h = kron(&a, &identity(2)) + kron(&identity(2), &b);
            let rho = state(4, seed + 2);
            let local = ergotropy(&crate::spin::reduce(&rho, &[2, 2], &[0]), &a).unwrap()
                + ergotropy(&crate::spin::reduce(&rho, &[2, 2], &[1]), &b).unwrap();
            assert!((parallel_ergotropy(&rho, &h, 2).unwrap() - local).abs() < 1e-11);
        }
    }
}
