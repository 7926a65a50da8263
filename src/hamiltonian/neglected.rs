//! Warns about high-field approximations whose effect could be visible.
//!
//! Interactions are computed to first order in the field, except quadrupolar couplings with `order 2`, for which no warning is given.
//! The second order shifts lines by about `V^2/nu`, with V the neglected part of the interaction and nu the Larmor frequency (or a
//! difference of two) by which it is divided:
//!
//! * quadrupolar, `C` and eta of a spin I: `(3/40) (C^2/nu) (1 + eta^2/3) (I(I + 1) - 3/4) / (I^2 (2I - 1)^2)`, the isotropic shift of
//!   the central transition (A. Samoson, Chem. Phys. Lett. 119, 29 (1985)), as the scale for all lines;
//! * shift anisotropy D: `(3 D/4)^2 nu / 2`, from the increase of the field's length by a perpendicular component of at most `3/4 D`;
//! * dipolar, b along the field: `0.3 b^2/nu`; for unlike spins nu is the smallest of both frequencies and their difference;
//! * scalar J of unlike spins: `J^2 / (2 |nu_a - nu_b|)`.
//!
//! Those of electrons, and of cross terms, are in [`super::truncated`]. Nothing is neglected of an interaction in the laboratory frame.
//!
//! A warning is given if the shift changes the phase of a coherence by more than [`VISIBLE`] of a cycle during the longest statement.

use super::interactions::{couplings, declared, frames, second_order, zeeman};
use super::schedule::{Schedule, duration};
use super::truncated;
use super::value::{Evaluator, Fault};

use crate::diagnostic::{Code, Diagnostic};
use crate::ir::{Clause, InteractionKind, State};
use crate::source::{Place, Span};
use crate::units::{TWO_PI, UnitSystem};

/// Phase change, in cycles, above which a warning is given.
const VISIBLE: f64 = 0.01;

/// Warns about second-order shifts that could be visible, and about a thermal state in zero field.
///
/// # Errors
/// If a value cannot be evaluated.
pub fn warnings(e: &Evaluator, schedule: &Schedule) -> Result<Vec<Diagnostic>, Fault> {
    let mut said = Vec::new();
    if e.scope.units != UnitSystem::Lab {
        return Ok(said);
    }
    let Some(field) = zeeman::field(e)? else { return Ok(said) };
    if field == 0.0 && schedule.prepare.iter().any(is_thermal) {
        let span = schedule.prepare_place.span();
        said.push(
            Diagnostic::new(Code::Vanishes, span, "without a field the thermal state is the maximally mixed state")
                .label("no polarisation")
                .help("all signals and ergotropies are 0; add `field 9.4 T` to polarise the spins"),
        );
    }
    let longest = schedule.steps.iter().map(|s| duration(std::slice::from_ref(s))).fold(0.0, f64::max);
    for (what, shift, place) in shifts(e, field)? {
        let turned = shift * longest;
        // Written so that an infinite shift of spins in zero field is reported.
        if longest > 0.0 && (turned.is_nan() || turned > VISIBLE) {
            said.push(warning(what, shift, longest, place.span()));
        }
    }
    Ok(said)
}

fn warning(what: &str, shift: f64, longest: f64, span: Span) -> Diagnostic {
    let message = if shift.is_finite() {
        format!("the second order of {what} is neglected: it would shift lines by about {} Hz", three(shift))
    } else {
        format!("{what} is computed to first order in the field, but there is no field")
    };
    let label = if shift.is_finite() {
        format!("{} of a cycle during the {} s of the longest statement", three(shift * longest), three(longest))
    } else {
        "the high-field approximation is not valid".to_string()
    };
    Diagnostic::new(Code::SecondOrder, span, message)
        .label(label)
        .help("use a higher field, or keep the whole Hamiltonian of a species with `frame lab` in `system`")
}

/// A number rounded to three digits.
fn three(x: f64) -> String {
    let digits = 10f64.powf(2.0 - x.abs().log10().floor());
    let rounded = if digits.is_finite() { (x * digits).round() / digits } else { x };
    crate::syntax::number_text(rounded)
}

fn is_thermal(state: &State) -> bool {
    match state {
        State::Thermal { .. } => true,
        State::Mix(parts) => parts.iter().any(|(_, s)| is_thermal(s)),
        State::Superposition(parts) => parts.iter().any(|p| is_thermal(&p.state)),
        _ => false,
    }
}

/// The largest second-order shift of each kind of interaction, Hz, with the place of its declaration.
fn shifts(e: &Evaluator, field: f64) -> Result<Vec<(&'static str, f64, Place)>, Fault> {
    let larmor = |site: usize| e.basis.site(site).isotope.map(|i| i.gamma * field / TWO_PI);
    let mut all: Vec<(&'static str, f64, Place)> = Vec::new();
    let mut add = |what: &'static str, shift: f64, place: Place| match all.iter_mut().find(|(w, ..)| *w == what) {
        Some(known) if known.1 < shift => *known = (what, shift, place),
        Some(_) => {}
        None => all.push((what, shift, place)),
    };
    for q in declared(e, InteractionKind::Quadrupole)? {
        let site = q.site()?;
        let spin = (e.basis.site(site).dimension - 1) as f64 / 2.0;
        let eta = q.clause(Clause::Eta).map_or(Ok(0.0), |x| e.number_at(x, q.index))?;
        let computed = second_order::is_asked(e, &q)? || frames::in_laboratory(e, site);
        if let (Some(nu), false) = (larmor(site), computed) {
            add("the quadrupolar coupling", quadrupolar(q.size, eta, spin, nu), q.declaration.place);
        }
    }
    for csa in declared(e, InteractionKind::Csa)? {
        let site = csa.site()?;
        if let (Some(nu), false) = (larmor(site), frames::in_laboratory(e, site)) {
            add("the shift anisotropy", anisotropic(csa.size, nu), csa.declaration.place);
        }
    }
    for j in declared(e, InteractionKind::J)? {
        let (a, b) = j.pair()?;
        let whole = couplings::like(e, a, b) || (frames::in_laboratory(e, a) && frames::in_laboratory(e, b));
        if let (Some(x), Some(y), false) = (larmor(a), larmor(b), whole) {
            add("the scalar coupling", j.size * j.size / (2.0 * (x - y).abs()), j.declaration.place);
        }
    }
    for (a, b, size, place) in couplings::sizes(e)? {
        if let (Some(x), Some(y)) = (larmor(a), larmor(b))
            && let Some(nu) = divisor(e, (a, x), (b, y))
        {
            add("the dipolar coupling", dipolar(size, nu), place);
        }
    }
    for (what, shift, place) in truncated::electrons(e, &larmor)? {
        add(what, shift, place);
    }
    for (what, shift, place) in truncated::cross_terms(e, &larmor)? {
        add(what, shift, place);
    }
    Ok(all)
}

/// The frequency by which the neglected part of a coupling is divided, Hz: the smallest by which its terms oscillate in the frames of the
/// spins; `None` if both are in the laboratory frame, so that nothing is neglected.
fn divisor(e: &Evaluator, (a, x): (usize, f64), (b, y): (usize, f64)) -> Option<f64> {
    match (frames::in_laboratory(e, a), frames::in_laboratory(e, b)) {
        (true, true) => None,
        (true, false) => Some(y.abs()),
        (false, true) => Some(x.abs()),
        (false, false) if couplings::like(e, a, b) => Some(x.abs()),
        (false, false) => Some(x.abs().min(y.abs()).min((x - y).abs())),
    }
}

/// The second-order shift of a quadrupolar coupling, Hz.
fn quadrupolar(c: f64, eta: f64, spin: f64, nu: f64) -> f64 {
    let share = (spin * (spin + 1.0) - 0.75) / (spin * (2.0 * spin - 1.0)).powi(2);
    0.075 * c * c / nu.abs() * (1.0 + eta * eta / 3.0) * share
}

/// The second-order shift of a shift anisotropy (a fraction of the field), Hz.
fn anisotropic(delta: f64, nu: f64) -> f64 {
    (0.75 * delta).powi(2) * nu.abs() / 2.0
}

/// The second-order shift of a dipolar coupling, Hz.
fn dipolar(b: f64, nu: f64) -> f64 {
    0.3 * b * b / nu
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{C64, Matrix, ZERO, hermitian_values, identity, real};

    /// Ix, Iy, Iz of a spin with `dimension` states.
    fn spin(dimension: usize) -> [Matrix; 3] {
        let s = (dimension - 1) as f64 / 2.0;
        let m = |k: usize| s - k as f64;
        let raising = Matrix::from_fn(dimension, dimension, |i, j| {
            if i + 1 == j { real((s * (s + 1.0) - m(j) * (m(j) + 1.0)).sqrt()) } else { ZERO }
        });
        let lowering = raising.adjoint();
        let y = (&raising - &lowering).map(|c| c * C64::new(0.0, -0.5));
        let z = Matrix::from_fn(dimension, dimension, |i, j| if i == j { real(m(i)) } else { ZERO });
        [times(&(raising + lowering), 0.5), y, z]
    }

    /// Differences of neighbouring levels, sorted by energy.
    fn lines(h: &Matrix) -> Vec<f64> {
        let levels = hermitian_values(h).unwrap();
        levels.windows(2).map(|w| w[1] - w[0]).collect()
    }

    fn times(m: &Matrix, x: f64) -> Matrix {
        m.map(|c| c * real(x))
    }

    #[test]
    fn the_central_line_of_aluminium_shifts_by_what_is_said() {
        // Exact levels of a spin 5/2 in a field along z, with the tensor rotated by (theta, phi), averaged over the sphere by Gaussian
        // quadrature with 8 polar angles and 8 azimuths. The first order does not shift the central transition.
        let (c, eta, nu, s) = (5e6, 0.2, 104.31e6, 2.5);
        let [x, y, z] = spin(6);
        let nodes = crate::hamiltonian::quadrature::gauss(
            8,
            |k| k as f64 / (4.0 * (k * k) as f64 - 1.0).sqrt(),
            Span::default(),
        )
        .unwrap();
        let mut mean = 0.0;
        for (cosine, weight) in nodes {
            for k in 0..8 {
                let (theta, phi) = (cosine.acos(), TWO_PI * k as f64 / 8.0);
                let turned = super::super::orientation::rotation([0.0, theta, phi]);
                let own = [-0.5 * (1.0 + eta), -0.5 * (1.0 - eta), 1.0];
                let mut h = times(&z, nu);
                for i in 0..3 {
                    for j in 0..3 {
                        let v: f64 = (0..3).map(|m| turned[i][m] * own[m] * turned[j][m]).sum();
                        let product = [&x, &y, &z][i] * [&x, &y, &z][j];
                        h += times(&product, v * c / (2.0 * s * (2.0 * s - 1.0)));
                    }
                }
                mean += weight / 8.0 * (lines(&h)[2] - nu);
            }
        }
        let said = quadrupolar(c, eta, s, nu);
        // Third and fourth order are each smaller by C/nu = 5 %.
        assert!((mean + said).abs() < 0.02 * said && (said - 1457.0).abs() < 1.0, "{mean} {said}");
    }

    #[test]
    fn pairs_and_anisotropies_shift_by_about_what_is_said() {
        let [x, y, z] = spin(2);
        let one = identity(2);
        let (a, b): (Vec<Matrix>, Vec<Matrix>) =
            [&x, &y, &z].iter().map(|m| (m.kronecker(&one), one.kronecker(*m))).unzip();
        for (nu_a, nu_b, like) in [(4e6, 4e6, true), (4e6, 1e6, false), (4e6, 3.76e6, false), (4e6, 0.4e6, false)] {
            let size = 1e3;
            let mut worst = 0.0f64;
            for k in 0..=45 {
                let (s, c) = (std::f64::consts::FRAC_PI_2 * f64::from(k) / 45.0).sin_cos();
                let n = [s, 0.0, c];
                let along = |v: &[Matrix]| (0..3).fold(Matrix::zeros(4, 4), |m, k| m + times(&v[k], n[k]));
                let dot = (0..3).fold(Matrix::zeros(4, 4), |m, k| m + &a[k] * &b[k]);
                let zz = &a[2] * &b[2];
                let full = times(&(times(&(along(&a) * along(&b)), 3.0) - &dot), size);
                let d = size * (3.0 * c * c - 1.0) / 2.0;
                let secular = if like { times(&(times(&zz, 3.0) - &dot), d) } else { times(&zz, 2.0 * d) };
                let zeeman = times(&a[2], nu_a) + times(&b[2], nu_b);
                let (exact, first) = (lines(&(&zeeman + full)), lines(&(zeeman + secular)));
                worst = exact.iter().zip(&first).map(|(x, y)| (x - y).abs()).fold(worst, f64::max);
            }
            let nu = if like { nu_a } else { f64::min(nu_b, nu_a - nu_b) };
            let ratio = worst / dipolar(size, nu);
            assert!((0.5..2.0).contains(&ratio), "{nu_a} {nu_b}: {ratio}");
        }
        // A field (1 + delta(n)) B0 along n: its length compared with its component.
        let (delta, nu) = (1e-3, 1e8);
        let worst = (0..=90)
            .map(|k| {
                let (s, c) = (std::f64::consts::FRAC_PI_2 * f64::from(k) / 90.0).sin_cos();
                let (along, beside) = (1.0 + delta * (3.0 * c * c - 1.0) / 2.0, 1.5 * delta * s * c);
                nu * (along.hypot(beside) - along)
            })
            .fold(0.0, f64::max);
        assert!((worst / anisotropic(delta, nu) - 1.0).abs() < 0.01, "{worst}");
    }
}
