//! Charging power and its bounds, and quantum speed limits.
//!
//! * `dE/dt = Tr[rho' H]`;
//! * energy Fisher information `I_E = sum over distinct levels of (dp_e/dt)^2 / p_e`, with `|dE/dt| <= sqrt(Var(H) I_E)` for
//!   unitary and for dissipative charging (Julia-Farre et al., PRR 2, 023113);
//! * `|dE/dt| <= 2 sd(H) sd(H_drive)` for unitary charging;
//! * speed limits of the statement that ends at the moment, from the state `rho_s` at its beginning, a time `tau` earlier, to the
//!   current state: Mandelstam-Tamm `tau >= theta / sd(H_drive)` with the Bures angle `theta` between the two (also for mixed states:
//!   Uhlmann, Phys. Lett. A 161, 329), and Margolus-Levitin `tau >= alpha(F) / (E_drive - E_ground)` for their fidelity F, where
//!   `alpha(F) = min over p of p arccos(1 - (1 - F) / (2 p (1 - p)))` is the value for a superposition of two levels with the
//!   population p of the upper one (Hornedal, Sonnerborn, Phys. Rev. Research 5, 043234); `alpha(0) = pi/2`. Both hold for a constant
//!   Hamiltonian, so the path starts when the current Hamiltonian starts to act.
//!
//! Variances are computed as `Tr[(H - E) rho (H - E)]`: the difference `<H^2> - <H>^2` would lose half of the digits near an eigenstate.

use super::cells::OperatorArgument;
use super::coherence::by_level;
use super::moment::mean;
use super::{Argument, Moment, Rate, Undefined, Value, bures_angle};
use crate::linalg::{Eigen, Matrix, Vector, conjugate, conjugate_back, hermitian_eigen, identity, product};
use crate::spin::{Operator, State};

const NO_SPREAD: &str = "the variance of the driving Hamiltonian is zero in this state";

/// Largest dimension of the whole system for which the state is propagated back to the start of the path.
const LARGEST_PATH: usize = 512;

/// Standard deviation of the energy `sqrt(Tr[(H - E) rho (H - E)])`, in the units of `h`.
pub fn standard_deviation(rho: &Matrix, h: &Matrix) -> f64 {
    let centred = h - identity(h.nrows()).map(|x| x * mean(rho, h));
    crate::linalg::trace_of_product(&product(&centred, rho), &centred).re.max(0.0).sqrt()
}

/// Energy Fisher information of a state with time derivative `rate`, over the distinct levels of a Hamiltonian, 1/time^2.
///
/// # Errors
/// When an unoccupied level fills at a finite rate: the information is then infinite.
pub fn energy_fisher_information(rho: &Matrix, rate: &Matrix, levels: &Eigen) -> Result<f64, Undefined> {
    let populations = conjugate_back(&levels.vectors, rho);
    let changes = conjugate_back(&levels.vectors, rate);
    let scale = changes.iter().map(|x| x.norm()).fold(0.0, f64::max);
    let of_level = |level: std::ops::Range<usize>| {
        let sum = |m: &Matrix| level.clone().map(|k| m[(k, k)].re).sum::<f64>();
        (sum(&populations), sum(&changes))
    };
    fisher(levels.levels(crate::spin::degeneracy(levels)).into_iter().map(of_level), scale)
}

/// `sum p'^2/p` over (population, rate of change); `scale` is the size of the whole rate.
fn fisher(levels: impl Iterator<Item = (f64, f64)>, scale: f64) -> Result<f64, Undefined> {
    let mut sum = 0.0;
    for (p, dp) in levels {
        if dp.abs() <= 1e-15 * scale {
            continue;
        }
        if p <= 1e-18 {
            return Err(Undefined::Domain(
                "an empty level is populated at a finite rate: the Fisher information is infinite".into(),
            ));
        }
        sum += dp * dp / p;
    }
    Ok(sum)
}

/// Mandelstam-Tamm time from one state to another under a constant Hamiltonian: `theta / sd(H)`.
///
/// # Errors
/// When the state has no energy spread, or eigenvalues cannot be computed.
pub fn mandelstam_tamm_time(from: &Matrix, to: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    Ok(bures_angle(from, to)? / energy_spread(from, h)?)
}

/// `sd(H)`; an error if it is zero up to rounding.
fn energy_spread(rho: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    let spread = standard_deviation(rho, h);
    if spread <= 1e-14 * h.norm() {
        return Err(Undefined::Domain(NO_SPREAD.into()));
    }
    Ok(spread)
}

/// Margolus-Levitin time from one state to another under a constant Hamiltonian: `alpha(F) / (E - E_ground)`.
///
/// # Errors
/// When the state is a ground state, or eigenvalues cannot be computed.
pub fn margolus_levitin_time(from: &Matrix, to: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    Ok(orthogonality_share(bures_angle(from, to)?) / energy_above_ground(from, h)?)
}

/// `E - E_ground`; an error if it is zero up to rounding.
fn energy_above_ground(rho: &Matrix, h: &Matrix) -> Result<f64, Undefined> {
    let eigen = hermitian_eigen(h)?;
    let above = mean(rho, h) - eigen.values.first().copied().unwrap_or(f64::NAN);
    if above <= 1e-14 * eigen.spread() {
        return Err(Undefined::Domain("the state is the ground state of the driving Hamiltonian".into()));
    }
    Ok(above)
}

/// `alpha(F)` for the Bures angle `theta`, `F = cos(theta)^2`: `pi/2` for orthogonal states, 0 for equal ones.
///
/// With `p = sin(x)^2` and `sin(2x) >= sin(theta)`, `p arccos(1 - (1 - F) / (2 p (1 - p))) = 2 p arcsin(sin(theta) / sin(2x))`. The function has
/// one minimum for x between `theta/2` and `pi/4`.
fn orthogonality_share(theta: f64) -> f64 {
    let of = |x: f64| 2.0 * x.sin().powi(2) * (theta.sin() / (2.0 * x).sin()).clamp(0.0, 1.0).asin();
    // Golden-section search in log(x): for small theta the minimum is at a fixed multiple of theta.
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = ((0.5 * theta).ln(), std::f64::consts::FRAC_PI_4.ln());
    if theta <= 0.0 {
        return 0.0;
    }
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if of(a.exp()) < of(b.exp()) { high = b } else { low = a }
    }
    of((0.5 * (low + high)).exp()).min(of(0.5 * theta))
}

pub(super) fn evaluate_charging_power(m: &Moment, _: &[Argument]) -> Value {
    m.energy_rate()
}

pub(super) fn evaluate_fisher(m: &Moment, _: &[Argument]) -> Value {
    let rate = m.motion.map(|motion| motion.rate(m.state));
    if let (Some((psi, levels)), Some(Rate::Pure(rate))) = (m.pure_battery(), rate)
        && let State::Pure(rate) = m.scene.space.embedded(&State::Pure(rate))
    {
        // p = |a|^2 and p' = 2 Re (a* a') for the amplitudes a in every level.
        let (now, change) = (levels.resolve(psi)?, levels.resolve(&rate)?);
        let energies = levels.energies()?;
        let weights: Vec<f64> = now.iter().map(|a| a.norm_sqr()).collect();
        let changes: Vec<f64> = now.iter().zip(&change).map(|(a, b)| 2.0 * (a.conj() * b).re).collect();
        let (weights, changes) = (by_level(energies, &weights), by_level(energies, &changes));
        return fisher(weights.into_iter().zip(changes), rate.norm());
    }
    energy_fisher_information(m.average_battery_state()?, &m.battery_rate()?, m.battery()?.eigen()?)
}

pub(super) fn evaluate_fisher_bound(m: &Moment, a: &[Argument]) -> Value {
    Ok(spread_of_battery(m)? * evaluate_fisher(m, a)?.sqrt())
}

/// Standard deviation of the battery's energy, rad/s.
fn spread_of_battery(m: &Moment) -> Value {
    let cells = m.battery()?;
    if let (State::Pure(psi), true) = (m.state, m.scene.whole_battery().is_some()) {
        return Ok(spread_of_vector(psi, &cells.energy().apply(psi)));
    }
    Ok(standard_deviation(m.average_battery_state()?, cells.hamiltonian()?))
}

/// `|(H - E) psi|` from `H psi`.
fn spread_of_vector(psi: &Vector, applied: &Vector) -> f64 {
    (applied - psi * psi.dotc(applied)).norm()
}

fn nothing_acts() -> Undefined {
    Undefined::Domain("no Hamiltonian acts at this time".into())
}

fn drive(m: &Moment) -> Result<Operator, Undefined> {
    m.motion.ok_or_else(nothing_acts)?.hamiltonian()
}

/// Dense matrix of the driving Hamiltonian, rad/s.
fn drive_matrix(m: &Moment) -> Result<Matrix, Undefined> {
    Ok(OperatorArgument::new(drive(m)?).matrix()?.clone())
}

pub(super) fn evaluate_uncertainty_bound(m: &Moment, _: &[Argument]) -> Value {
    let motion = m.motion.ok_or_else(nothing_acts)?;
    motion.hamiltonian()?;
    if !motion.is_unitary() {
        return Err(Undefined::Domain("the state relaxes, but the bound holds for unitary evolution".into()));
    }
    // For a pure state, from its derivative: `psi' = -i H psi`.
    let driving = match (m.state, motion.rate(m.state)) {
        (State::Pure(psi), Rate::Pure(rate)) => spread_of_vector(psi, &rate),
        _ => standard_deviation(m.density()?, &drive_matrix(m)?),
    };
    Ok(2.0 * spread_of_battery(m)? * driving)
}

/// Path of the state under the current Hamiltonian.
struct Path {
    hamiltonian: Matrix,
    now: Matrix,
    /// Bures angle between the start of the path and the current state.
    angle: f64,
}

impl Path {
    /// Under a constant Hamiltonian the path started at `exp(i H tau) rho exp(-i H tau)`.
    fn of(m: &Moment) -> Result<Path, Undefined> {
        let motion = m.motion.ok_or_else(nothing_acts)?;
        let since = motion.constant_since()?;
        let operator = motion.hamiltonian()?;
        let n = operator.dimension();
        if n > LARGEST_PATH {
            let why = format!("the path is computed for up to {LARGEST_PATH} states, this system has {n}");
            return Err(Undefined::Domain(why));
        }
        let (hamiltonian, now) = (operator.matrix(), m.density()?.clone());
        if since == 0.0 {
            return Ok(Path { hamiltonian, now, angle: 0.0 });
        }
        let back = hermitian_eigen(&hamiltonian)?.propagator(-since);
        let angle = match m.scene.space.embedded(m.state) {
            State::Pure(psi) => angle_between(&(&back * &psi), &psi),
            State::Mixed(_) => bures_angle(&conjugate(&back, &now), &now)?,
        };
        Ok(Path { hamiltonian, now, angle })
    }
}

/// Angle between two state vectors, from the component of one orthogonal to the other, so that small angles keep their digits.
fn angle_between(a: &Vector, b: &Vector) -> f64 {
    let overlap = a.dotc(b);
    let orthogonal = b - a * overlap;
    orthogonal.norm().atan2(overlap.norm())
}

pub(super) fn evaluate_mandelstam_tamm(m: &Moment, _: &[Argument]) -> Value {
    let path = Path::of(m)?;
    Ok(path.angle / energy_spread(&path.now, &path.hamiltonian)?)
}

pub(super) fn evaluate_margolus_levitin(m: &Moment, _: &[Argument]) -> Value {
    // The ground level may be in any multiplet.
    m.has_every_multiplet()?;
    let path = Path::of(m)?;
    Ok(orthogonality_share(path.angle) / energy_above_ground(&path.now, &path.hamiltonian)?)
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state};
    use super::*;
    use crate::linalg::{C64, commutator};

    #[test]
    fn power_obeys_its_bounds() {
        for seed in 0..30 {
            let (rho, h, drive) = (state(4, seed), hamiltonian(4, seed + 1), hamiltonian(4, seed + 2));
            let rate = commutator(&drive, &rho).map(|x| x * C64::new(0.0, -1.0));
            let power = mean(&rate, &h);
            let eigen = hermitian_eigen(&h).unwrap();
            let fisher = energy_fisher_information(&rho, &rate, &eigen).unwrap();
            assert!(power.abs() <= standard_deviation(&rho, &h) * fisher.sqrt() + 1e-12);
            assert!(power.abs() <= 2.0 * standard_deviation(&rho, &h) * standard_deviation(&rho, &drive) + 1e-12);
            assert!(fisher <= 4.0 * standard_deviation(&rho, &drive).powi(2) + 1e-10);
        }
    }

    #[test]
    fn an_equatorial_qubit_saturates_mandelstam_tamm() {
        let h = super::super::single_site::pauli(3).map(|x| x * 0.5);
        let plus = (super::super::single_site::pauli(0) + super::super::single_site::pauli(1)).map(|x| x * 0.5);
        let u = hermitian_eigen(&h).unwrap().propagator(0.9);
        let later = crate::linalg::conjugate(&u, &plus);
        assert!((mandelstam_tamm_time(&plus, &later, &h).unwrap() - 0.9).abs() < 1e-8);
    }

    #[test]
    fn the_share_of_the_time_to_orthogonality_is_that_of_the_best_two_levels() {
        let half = std::f64::consts::FRAC_PI_2;
        assert!((orthogonality_share(half) - half).abs() < 1e-12);
        assert_eq!(orthogonality_share(0.0), 0.0);
        for k in 1..100 {
            let theta = half * f64::from(k) / 100.0;
            let (f, share) = (theta.cos().powi(2), orthogonality_share(theta));
            // p arccos(1 - (1 - F) / (2 p (1 - p))) on a fine grid of p is never below the result, and near the minimum only
            // slightly above.
            let of = |p: f64| p * (1.0 - (1.0 - f) / (2.0 * p * (1.0 - p))).clamp(-1.0, 1.0).acos();
            // p = sin(x)^2 with x from theta/2 to pi/4, evenly spaced in log(x).
            let x = |j: i32| 0.5 * theta * (half / theta).powf(f64::from(j) / 20_000.0);
            let grid = (0..=20_000).map(|j| of(x(j).sin().powi(2)));
            let least = grid.fold(f64::INFINITY, f64::min);
            assert!(share <= least * (1.0 + 1e-9) && share >= least * (1.0 - 1e-6), "{theta}: {share} {least}");
        }
    }

    #[test]
    fn an_eigenstate_has_no_spread() {
        let eigen = hermitian_eigen(&hamiltonian(4, 9)).unwrap();
        let v = eigen.vectors.column(2);
        let rho = v * v.adjoint();
        assert!(standard_deviation(&rho, &hamiltonian(4, 9)) < 1e-14);
    }
}
