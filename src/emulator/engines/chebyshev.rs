//! Constant Hamiltonians on large state vectors: `exp(-i H t) psi` as a Chebyshev series in H.
//!
//! With the spectrum inside `[c - r, c + r]` and `x = (H - c)/r`,
//! `exp(-i H t) = exp(-i c t) sum_k (2 - delta_k0) (-i)^k J_k(r t) T_k(x)`. The coefficients fall faster than exponentially once
//! `k > r t`, so the sum is truncated where they drop below 1e-16; there are no time steps.

#![expect(
    clippy::indexing_slicing,
    reason = "there are two more Bessel functions than orders, and at least one coefficient is kept"
)]

use super::{StepError, Stepper};
use crate::emulator::generator::Generator;
use crate::emulator::step_error::check_phase;
use crate::linalg::{C64, I, Vector};
use crate::spin::State;

/// Largest phase `r t` of one series, rad: its coefficients take memory. Longer intervals are divided.
const LONGEST_SERIES: f64 = 1e5;

/// Chebyshev propagator.
pub struct Chebyshev<'a> {
    generator: &'a Generator,
    centre: f64,
    radius: f64,
}

impl<'a> Chebyshev<'a> {
    /// Builds it from a constant generator without dissipators.
    pub fn new(generator: &'a Generator) -> Chebyshev<'a> {
        let (low, high) = generator.action().map_or((-1.0, 1.0), |s| s.spectral_bounds());
        Chebyshev { generator, centre: 0.5 * (low + high), radius: (0.5 * (high - low)).max(f64::MIN_POSITIVE) }
    }

    /// `exp(-i H t) psi` by one series.
    fn by_series(&self, psi: &Vector, t: f64) -> Vector {
        let coefficients = bessel((self.radius * t.abs()).max(1e-12));
        let direction = -I * t.signum();
        let n = psi.len();
        let mut image = vec![C64::new(0.0, 0.0); n];
        let mut before = vec![C64::new(0.0, 0.0); n];
        let mut now = psi.as_slice().to_vec();
        let mut sum = psi.map(|x| x * coefficients[0]);
        let mut phase = direction;
        for (k, j) in coefficients.iter().enumerate().skip(1) {
            // T_1 = x T_0, T_k+1 = 2 x T_k - T_k-1.
            self.next(&now, &mut before, &mut image, if k == 1 { 1.0 } else { 2.0 });
            std::mem::swap(&mut before, &mut now);
            let factor = phase * (2.0 * j);
            sum.iter_mut().zip(&now).for_each(|(s, x)| *s += x * factor);
            phase *= direction;
        }
        let turn = C64::cis(-self.centre * t);
        sum.map(|x| x * turn)
    }

    /// Writes `factor (H - c)/r v - before` into `before`.
    fn next(&self, v: &[C64], before: &mut [C64], image: &mut [C64], factor: f64) {
        match self.generator.action() {
            Some(action) => action.apply_into(v, image),
            None => image.fill(C64::new(0.0, 0.0)),
        }
        let (scale, shift) = (factor / self.radius, factor * self.centre / self.radius);
        for ((old, new), x) in before.iter_mut().zip(image.iter()).zip(v) {
            *old = new * scale - x * shift - *old;
        }
    }
}

/// `J_0(z) .. J_n(z)`, truncated where values drop below 1e-17, by Miller's downward recurrence normalised with
/// `J_0 + 2 J_2 + 2 J_4 + ... = 1`.
pub fn bessel(z: f64) -> Vec<f64> {
    let highest = (z + 30.0 + 12.0 * z.cbrt()).ceil() as usize;
    let start = highest + 40;
    let mut values = vec![0.0; start + 2];
    values[start] = 1e-300;
    for k in (1..=start).rev() {
        values[k - 1] = 2.0 * k as f64 / z * values[k] - values[k + 1];
        if values[k - 1].abs() > 1e250 {
            values.iter_mut().for_each(|x| *x *= 1e-250);
        }
    }
    let norm: f64 = values[0] + 2.0 * values.iter().skip(2).step_by(2).sum::<f64>();
    values.iter_mut().for_each(|x| *x /= norm);
    let last = values.iter().rposition(|x| x.abs() > 1e-17).unwrap_or(0);
    values.truncate(last + 1);
    values
}

/// Checks the phase `r t` of an interval, and divides it: the number of series.
///
/// # Errors
/// If the phase exceeds 5e8 rad.
pub fn pieces(radius: f64, from: f64, to: f64) -> Result<usize, StepError> {
    let phase = radius * (to - from).abs();
    check_phase(phase, from, to)?;
    Ok((phase / LONGEST_SERIES).ceil().max(1.0) as usize)
}

impl Stepper for Chebyshev<'_> {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let State::Pure(psi) = state else {
            return Err(StepError::Tolerance("the Chebyshev method propagates state vectors".into()));
        };
        if to == from {
            return Ok(state.clone());
        }
        let pieces = pieces(self.radius, from, to)?;
        let t = (to - from) / pieces as f64;
        let first = self.by_series(psi, t);
        Ok(State::Pure((1..pieces).fold(first, |psi, _| self.by_series(&psi, t))))
    }

    fn name(&self) -> &'static str {
        "Chebyshev"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::engines::exact::ExactClosed;
    use crate::emulator::engines::real_chebyshev::RealChebyshev;
    use crate::hamiltonian::Relaxing;
    use crate::metrics::random;
    use crate::spin::{Basis, LocalKind, Operator, Site};

    /// Intervals of more than one series, in complex and in real arithmetic, agree with the eigenvalues to the rounding of phases of 3e5 rad.
    #[test]
    fn long_intervals_are_divided() {
        let basis = Basis::new(["a", "b"].map(|name| Site::spin(name, 1, None)).to_vec());
        let of = |kind, site| Operator::of(&basis, kind, site).expect("a spin 1/2");
        let (za, xb) = (of(LocalKind::Z, 0), of(LocalKind::X, 1));
        let terms = vec![(1.0, of(LocalKind::X, 0).times(&xb)), (0.7, za), (0.3, xb)];
        let generator = Generator::constant(basis, terms, Relaxing::default());
        let times = [7e4, 1.5e5, 2e5];
        let start = State::Pure(random::unitary(4, 3).column(0).into_owned());
        let exact = ExactClosed::new(&generator).advance_to_each(&start, 0.0, &times).unwrap();
        let mut complex = Chebyshev::new(&generator);
        assert!(pieces(complex.radius, 0.0, 2e5).unwrap() > 2);
        let mut real = RealChebyshev::new(&generator, 7e4).expect("a real Hamiltonian");
        let of = |states: Vec<State>| states.into_iter().map(|s| s.density()).collect::<Vec<_>>();
        let expected = of(exact);
        for states in [complex.advance_to_each(&start, 0.0, &times), real.advance_to_each(&start, 0.0, &times)] {
            for (found, expected) in of(states.unwrap()).iter().zip(&expected) {
                assert!((found - expected).camax() < 1e-9);
            }
        }
    }

    #[test]
    fn bessel_functions_are_those_of_the_tables() {
        // Abramowitz and Stegun, tables 9.1 and 9.4.
        let j = bessel(10.0);
        assert!((j[0] + 0.245_935_764_451_348_3).abs() < 1e-15);
        assert!((j[1] - 0.043_472_746_168_861_4).abs() < 1e-15);
        assert!((j[10] - 0.207_486_106_633_358_9).abs() < 1e-14);
        let small = bessel(1e-12);
        assert!((small[0] - 1.0).abs() < 1e-15 && small.len() <= 2);
    }
}
