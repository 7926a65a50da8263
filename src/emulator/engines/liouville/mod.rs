//! Constant generators with relaxation, exactly: `vec(rho) -> exp(L t) vec(rho)` on the invariant subspaces of L in Liouville space.
//!
//! With the Hamiltonian H and collapse operators c, `A = -i H - sum c^+ c / 2`,
//!
//! ```text
//! L rho = A rho + rho A^+ + sum c rho c^+ - Tr[G rho] H_d + mean(rho) D(1)
//! ```
//!
//! on the deviation of rho from its mean diagonal element; the last two terms are the decay of dipolar order and the action of relaxation
//! on the identity. L is sparse: a high field separates coherence orders, single-spin relaxation adds one entry per row and spin, and
//! elements `(i, j)` that L does not connect are propagated separately. Of a part and its transpose `(j, i)` only one is propagated; the
//! other is its conjugate.
//!
//! Each part is propagated by the cheaper of two methods: the exponential of its dense matrix, cached for repeated time steps, or a
//! Chebyshev series. With `L = s + i R X`, the spectrum of X near [-1, 1],
//! `exp(L t) = exp(s t) sum_k (2 - delta_k0) i^k J_k(R t) T_k(X)` (Tal-Ezer and Kosloff, J. Chem. Phys. 81, 3967). Decay moves the
//! spectrum off the real axis by at most `gamma/2R`, where `|T_k|` grows as `exp(k gamma/2R)`. Steps are limited to `2/gamma`, so that
//! rounding grows by at most a factor of three.

#![expect(
    clippy::indexing_slicing,
    reason = "elements are those of an n x n matrix followed by the mean, and parts are numbered by the list that holds them"
)]

mod part;
mod repeated;
mod source;

use self::part::Part;
pub use self::part::{LARGEST_DENSE, TimeStep};
use self::source::{Source, transposed};
use super::exact::{stacked, unstacked};
use super::{StepError, Stepper};
use crate::emulator::functional::Share;
use crate::emulator::generator::Generator;
use crate::linalg::{C64, Matrix, Vector, ZERO, exponential, hermitian_values, real};
use crate::spin::State;
use rayon::prelude::*;

/// Number of elements from which on parts are propagated on several threads: that of five spins 1/2, 1024 elements, of which mirrored ones
/// are propagated once.
const SHARED: usize = 500;

/// The constant generator of an open system.
pub struct Liouville {
    n: usize,
    parts: Vec<Part>,
    source: Source,
    /// Unit of the integral that is followed.
    unit: f64,
}

impl Liouville {
    /// Builds it from a constant generator.
    ///
    /// # Errors
    /// If the eigenvalues of H cannot be computed.
    pub fn new(generator: &Generator) -> Result<Liouville, StepError> {
        let n = generator.dimension;
        let source = Source::of(generator);
        let mut parts: Vec<Part> =
            source.separate().into_iter().map(|(list, mirror)| Part::new(list, mirror)).collect();
        bound_frequencies(&mut parts, generator)?;
        Ok(Liouville { n, parts, source, unit: 1.0 })
    }

    /// The same, with the integral of a functional over time followed as one more component. It has its own unit, in which its rate is not
    /// larger than L.
    ///
    /// # Errors
    /// If the eigenvalues of H cannot be computed.
    pub fn following(generator: &Generator, rate: &Share) -> Result<Liouville, StepError> {
        let n = generator.dimension;
        let (largest, decay) = (rate.largest(), generator.fastest_decay());
        let mut source = Source::of(generator);
        let unit = if largest > 0.0 && decay > 0.0 { largest / decay } else { 1.0 };
        source.followed = (largest > 0.0).then(|| rate.row().iter().map(|x| x / unit).collect());
        let mut parts: Vec<Part> =
            source.separate().into_iter().map(|(list, mirror)| Part::new(list, mirror)).collect();
        bound_frequencies(&mut parts, generator)?;
        for part in &mut parts {
            part.followed = source.followed.as_ref().is_some_and(|row| part.elements.iter().any(|&e| row[e] != ZERO));
            if part.followed {
                // The integral has the frequency 0.
                let (low, high) = ((part.centre - part.radius).min(0.0), (part.centre + part.radius).max(0.0));
                (part.centre, part.radius) = (0.5 * (low + high), 0.5 * (high - low));
            }
        }
        Ok(Liouville { n, parts, source, unit })
    }

    /// True if L is formed for this many states: it has some tens of entries per element of a density matrix. Larger systems are integrated
    /// without it.
    pub fn fits(states: usize) -> bool {
        const MOST: usize = 256;
        states <= MOST
    }

    /// Indices of the parts in which a stacked density matrix is, or becomes, non-zero; of a part and its mirror only the first.
    fn occupied(&self, v: &Vector) -> Vec<usize> {
        let drift = self.source.drift.as_ref().filter(|_| v[self.n * self.n] != ZERO);
        let holds = |part: &Part| part.elements.iter().any(|&e| v[e] != ZERO || drift.is_some_and(|d| d[e] != ZERO));
        let numbered = self.parts.iter().enumerate();
        numbered
            .filter(|(k, part)| *k <= part.mirror && (holds(part) || holds(&self.parts[part.mirror])))
            .map(|(k, _)| k)
            .collect()
    }

    /// Applies `propagate` to parts, each with its elements of `v` and the mean.
    fn each_part<T: Send>(
        &mut self,
        numbers: &[usize],
        v: &Vector,
        propagate: impl Fn(&mut Part, Vec<C64>) -> T + Sync,
    ) -> Vec<T> {
        let (mean, source) = (v[self.n * self.n], &self.source);
        let chosen: Vec<&mut Part> = self
            .parts
            .iter_mut()
            .enumerate()
            .filter(|(k, _)| numbers.binary_search(k).is_ok())
            .map(|(_, p)| p)
            .collect();
        let one = |part: &mut Part| {
            part.prepare(source);
            let integral = part.followed.then_some(ZERO);
            let own = part.elements.iter().map(|&e| v[e]).chain([mean]).chain(integral).collect();
            propagate(part, own)
        };
        // A thread takes longer to wake than small parts to be propagated, step after step.
        let elements: usize = chosen.iter().map(|part| part.elements.len()).sum();
        if chosen.len() < 2 || elements < SHARED {
            return chosen.into_iter().map(one).collect();
        }
        chosen.into_par_iter().map(one).collect()
    }

    /// Propagates a stacked density matrix (see [`stacked`]) by one time step.
    ///
    /// # Errors
    /// If L is too large for the length of the step.
    pub fn advance(&mut self, v: &Vector, step: TimeStep) -> Result<Vector, StepError> {
        Ok(self.advance_and_integrate(v, step)?.0)
    }

    /// The same, with the integral that is followed over this step.
    ///
    /// # Errors
    /// Those of [`Liouville::advance`].
    pub fn advance_and_integrate(&mut self, v: &Vector, step: TimeStep) -> Result<(Vector, f64), StepError> {
        let numbers = self.occupied(v);
        let moved = self.each_part(&numbers, v, |part, own| part.advance(own, step));
        let mean = v[self.n * self.n];
        let mut out = Vector::zeros(v.len());
        out[self.n * self.n] = mean;
        let mut integral = self.source.followed.as_ref().map_or(0.0, |f| (f[self.n * self.n] * mean).re * step.step);
        for (number, own) in numbers.iter().zip(moved) {
            let own = own?;
            self.put(*number, &own, &mut out);
            let part = &self.parts[*number];
            if part.followed {
                // A part and its mirror contribute complex conjugates.
                let copies = if part.mirror == *number { 1.0 } else { 2.0 };
                integral += copies * own[part.elements.len() + 1].re;
            }
        }
        Ok((out, integral * self.unit))
    }

    /// Writes the elements of a part and of its mirror.
    fn put(&self, number: usize, own: &[C64], out: &mut Vector) {
        let part = &self.parts[number];
        for (&element, x) in part.elements.iter().zip(own) {
            out[element] = *x;
            if part.mirror != number {
                out[transposed(element, self.n)] = x.conj();
            }
        }
    }

    /// `sum_e observed_e v_e(t)` at `points` equidistant times from 0 on, and the state after the last interval if `wanted` (otherwise
    /// unspecified).
    ///
    /// # Errors
    /// If L is too large for the dwell time.
    pub fn decay(
        &mut self,
        v: &Vector,
        observed: &Vector,
        dwell: f64,
        points: usize,
        wanted: bool,
    ) -> Result<(Vec<C64>, Vector), StepError> {
        let n = self.n;
        let all = self.occupied(v);
        let seen = |k: &usize| {
            let part = &self.parts[*k];
            part.elements.iter().any(|&e| observed[e] != ZERO || observed[transposed(e, n)] != ZERO)
        };
        let (seen, unseen): (Vec<usize>, Vec<usize>) = all.into_iter().partition(seen);
        let mirrored: Vec<bool> = self.parts.iter().enumerate().map(|(k, p)| p.mirror != k).collect();
        let single = |part: &Part| mirrored[part.mirror];
        let found = self.each_part(&seen, v, |part, own| {
            let of = |e: &usize| (observed[*e], if single(part) { observed[transposed(*e, n)] } else { ZERO });
            let observed: Vec<(C64, C64)> = part.elements.iter().map(of).collect();
            part.decay(own, &observed, dwell, points)
        });
        let constant = observed[n * n] * v[n * n];
        let mut signal = vec![constant; points];
        let mut end = if wanted { Vector::zeros(v.len()) } else { v.clone() };
        for (number, found) in seen.iter().zip(found) {
            let (own, last) = found?;
            signal.iter_mut().zip(own).for_each(|(sum, x)| *sum += x);
            if wanted {
                self.put(*number, &last, &mut end);
            }
        }
        if wanted {
            end[n * n] = v[n * n];
            let step = TimeStep { step: dwell * points as f64, rounding: 0.0, times: 1 };
            let moved = self.each_part(&unseen, v, |part, own| part.advance(own, step));
            for (number, own) in unseen.iter().zip(moved) {
                self.put(*number, &own?, &mut end);
            }
        }
        Ok((signal, end))
    }

    /// The superoperator propagator over time t, acting on stacked density matrices.
    pub fn propagator(&mut self, t: f64) -> Matrix {
        self.propagator_and_integral(t).0
    }

    /// The superoperator propagator over time t, and the row vector that gives the integral that is followed.
    pub fn propagator_and_integral(&mut self, t: f64) -> (Matrix, Vector) {
        let size = self.n * self.n;
        let mut out = Matrix::zeros(size + 1, size + 1);
        out[(size, size)] = real(1.0);
        let mut row = Vector::zeros(size + 1);
        row[size] = self.source.followed.as_ref().map_or(ZERO, |f| f[size] * t);
        for part in &mut self.parts {
            part.prepare(&self.source);
            let own = exponential(&(part.dense() * real(t)));
            let places: Vec<usize> = part.elements.iter().copied().chain([size]).collect();
            for (k, column) in places.iter().enumerate() {
                part.elements.iter().enumerate().for_each(|(i, row)| out[(*row, *column)] = own[(i, k)]);
                if part.followed {
                    row[*column] += own[(places.len(), k)];
                }
            }
        }
        (out, row * real(self.unit))
    }
}

/// Bounds the frequencies of each part: `rho_ij` rotates at `E_j - E_i`, with the energies of the invariant blocks of H and all elements
/// that L connects.
fn bound_frequencies(parts: &mut [Part], generator: &Generator) -> Result<(), StepError> {
    let n = generator.dimension;
    let mut energies = vec![(0.0, 0.0); n];
    let range = |all: &mut dyn Iterator<Item = (f64, f64)>| {
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), (a, b)| (low.min(a), high.max(b)))
    };
    for states in generator.parts() {
        let values = hermitian_values(&generator.block(states))?;
        let found = range(&mut values.iter().map(|x| (*x, *x)));
        states.iter().for_each(|&s| energies[s] = found);
    }
    for part in parts {
        let of = |&e: &usize| {
            let ((low, high), (lowest, highest)) = (energies[e % n], energies[e / n]);
            (lowest - high, highest - low)
        };
        let (low, high) = range(&mut part.elements.iter().map(of));
        (part.centre, part.radius) = (0.5 * (low + high), 0.5 * (high - low));
    }
    Ok(())
}

/// Propagates density matrices along a segment.
pub struct LiouvilleStep {
    liouville: Liouville,
    /// Expected number of equal steps.
    samples: usize,
}

impl LiouvilleStep {
    /// Builds it from a constant generator, for a segment with `samples` samples.
    ///
    /// # Errors
    /// If the eigenvalues of H cannot be computed.
    pub fn new(generator: &Generator, samples: usize) -> Result<LiouvilleStep, StepError> {
        Ok(LiouvilleStep { liouville: Liouville::new(generator)?, samples })
    }
}

impl Stepper for LiouvilleStep {
    fn advance(&mut self, state: &State, from: f64, to: f64) -> Result<State, StepError> {
        let rho = state.density();
        if to == from {
            return Ok(State::Mixed(rho));
        }
        let step = TimeStep { step: to - from, rounding: 4.0 * f64::EPSILON * to.abs(), times: self.samples };
        Ok(State::Mixed(unstacked(&self.liouville.advance(&stacked(&rho), step)?)))
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

/// Name of the method.
pub const NAME: &str = "exact (superoperator)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hamiltonian::{OrderDecay, Relaxing};
    use crate::linalg::norm_squared;
    use crate::metrics::random;
    use crate::spin::{Basis, LocalKind, Operator, Site};
    use crate::units::TWO_PI;
    use LocalKind::{Im, Ip, Ix, Iy, Iz, X, Y, Z};

    fn basis() -> Basis {
        Basis::new(["a", "b", "c"].map(|name| Site::spin(name, 1, None)).to_vec())
    }

    fn of(kind: LocalKind, site: usize) -> Operator {
        Operator::of(&basis(), kind, site).expect("a spin 1/2")
    }

    /// `Ix Ix + Iy Iy + factor Iz Iz`.
    fn coupled(a: usize, b: usize, factor: f64) -> Operator {
        let product = |kind| of(kind, a).times(&of(kind, b));
        product(Ix).plus(product(Iy)).plus(product(Iz).times_number(real(factor)))
    }

    /// Collapse operators of one spin with the times T1 and T2, s, towards a polarisation.
    fn relaxed(site: usize, t1: f64, t2: f64, polarisation: f64) -> Vec<Operator> {
        let flips = [(Ip, 0.5 * (1.0 + polarisation) / t1), (Im, 0.5 * (1.0 - polarisation) / t1)];
        let dephasing = (Iz, 2.0 / t2 - 1.0 / t1);
        let rates = flips.into_iter().chain([dephasing]).filter(|(_, rate)| *rate > 0.0);
        rates.map(|(kind, rate)| of(kind, site).times_number(real(rate.sqrt()))).collect()
    }

    /// A Hamiltonian, collapse operators, and the time T1D of the order in the Hamiltonian.
    struct System {
        name: &'static str,
        terms: Vec<(f64, Operator)>,
        collapse: Vec<Operator>,
        order: Option<f64>,
    }

    /// Systems with every kind of relaxation. Couplings in Hz.
    fn systems() -> Vec<System> {
        let all = |t1, t2| (0..3).flat_map(|site| relaxed(site, t1, t2, 1e-3)).collect::<Vec<_>>();
        let dipolar = |d: f64, a, b| (-TWO_PI * d, coupled(a, b, -2.0));
        let system = |name, terms, collapse, order| System { name, terms, collapse, order };
        let liquid = vec![(TWO_PI * 500.0, of(Iz, 0)), (TWO_PI * 40.0, coupled(0, 1, 1.0))];
        let pure = [relaxed(0, 5e-3, 1e-2, 1.0), relaxed(1, 7e-3, 1.4e-2, -0.6)].concat();
        vec![
            system(
                "T1 and T2 in a liquid",
                liquid,
                [relaxed(0, 0.1, 0.03, 1e-3), relaxed(1, 0.1, 0.03, 1e-3)].concat(),
                None,
            ),
            system("T1 and T2 of a solid", vec![dipolar(9e3, 0, 1), dipolar(-4e3, 1, 2)], all(1e-3, 2e-4), None),
            system("to a pure state", vec![(TWO_PI * 100.0, coupled(0, 1, 1.0))], pure, None),
            system("T2 alone", vec![], relaxed(0, f64::INFINITY, 1e-3, 0.0), None),
            system("dipolar order", vec![dipolar(9e3, 0, 1), dipolar(2e3, 0, 2)], all(1.0, 2.0), Some(1e-3)),
            system("nothing but decay", vec![], all(1e-6, 1e-7), None),
            system("slow decay beside fast rotation", vec![dipolar(9e4, 0, 1)], relaxed(0, 1e3, 2e3, 1e-3), None),
        ]
    }

    /// `sum c A`.
    fn sum(terms: &[(f64, Operator)]) -> Operator {
        terms.iter().fold(Operator::zero(&basis()), |sum, (c, a)| sum.plus(a.clone().times_number(real(*c))))
    }

    /// The generator of a delay, or of an evolution under another Hamiltonian with noise of pairs.
    fn generator(system: &System, delay: bool) -> Generator {
        let order = system.order.map(|t1d| {
            let hamiltonian = sum(&system.terms);
            let square = norm_squared(&hamiltonian.matrix());
            OrderDecay { lost: hamiltonian.clone().times_number(real(1.0 / (t1d * square))), hamiltonian }
        });
        let mut relaxing = Relaxing { collapse: system.collapse.clone(), order, ..Relaxing::default() };
        if delay {
            return Generator::constant(basis(), system.terms.clone(), relaxing);
        }
        let product = |j, a, k, b| of(j, a).times(&of(k, b));
        let near = product(X, 0, Z, 1).plus(of(Y, 1));
        relaxing.collapse.extend([near.times_number(real(5.0)), product(Z, 0, Z, 2).times_number(real(30.0))]);
        let terms = vec![(TWO_PI * 300.0, product(X, 0, X, 1)), (TWO_PI * 300.0, of(Z, 2))];
        Generator::constant(basis(), terms, relaxing)
    }

    /// Both methods agree with the exponential of the whole superoperator.
    #[test]
    fn parts_are_propagated_as_the_whole_is() {
        for system in &systems() {
            for delay in [true, false] {
                let (name, generator) = (system.name, generator(system, delay));
                let whole = generator.liouvillian(0.0);
                let v = stacked(&random::state(8, 5));
                let mut liouville = Liouville::new(&generator).unwrap();
                for t in [1e-7, 3e-5, 1e-3] {
                    let expected = exponential(&(&whole * real(t))) * &v;
                    let near = |what: &str, found: &Vector| {
                        // Rounding of a sum over a phase of at most 600 rad.
                        let error = (found - &expected).norm() / v.norm();
                        assert!(error < 1e-12, "{name}, delay {delay}, {what}, {t}: {error:e}");
                    };
                    // Dense for a step taken often, Chebyshev for a step taken once.
                    for times in [1, 1_000_000] {
                        let step = TimeStep { step: t, rounding: 0.0, times };
                        near(&format!("{times} times"), &liouville.advance(&v, step).unwrap());
                    }
                    near("propagator", &(liouville.propagator(t) * &v));
                }
            }
        }
    }

    /// The integral that is followed is that of the exponential of the whole superoperator with one more row. The observable has coherences of
    /// every frequency, also beside parts that do not contain the frequency 0.
    #[test]
    fn integrals_are_those_of_the_whole() {
        for system in &systems() {
            for delay in [true, false] {
                let (name, generator) = (system.name, generator(system, delay));
                let rate = generator.dissipated(&random::hamiltonian(8, 3)).constant;
                let (v, n) = (stacked(&random::state(8, 5)), 65);
                let largest = rate.largest();
                assert!(largest > 0.0);
                let mut whole = generator.liouvillian(0.0).resize(n + 1, n + 1, ZERO);
                whole.row_mut(n).iter_mut().zip(rate.row().iter()).for_each(|(x, r)| *x = *r / largest);
                let mut liouville = Liouville::following(&generator, &rate).unwrap();
                for t in [1e-7, 3e-5, 1e-3] {
                    let expected = (exponential(&(&whole * real(t))) * v.clone().push(ZERO))[n].re * largest;
                    // Rounding of a sum over a phase of at most 600 rad, of a rate below `largest`; beside fast turning the row of the
                    // integral is 1e-9 of the matrix that is exponentiated.
                    let near = |what: &str, found: f64| {
                        let error = (found - expected).abs() / (largest * t);
                        assert!(error < 1e-11, "{name}, delay {delay}, {what}, {t}: {error:e}");
                    };
                    for times in [1, 1_000_000] {
                        let step = TimeStep { step: t, rounding: 0.0, times };
                        near(&format!("{times} times"), liouville.advance_and_integrate(&v, step).unwrap().1);
                    }
                    let (_, row) = liouville.propagator_and_integral(t);
                    near("propagator", row.iter().zip(v.iter()).map(|(r, x)| (r * x).re).sum());
                }
            }
        }
    }

    #[test]
    fn decays_are_those_of_repeated_steps() {
        for system in &systems() {
            let (name, generator) = (system.name, generator(system, true));
            let v = stacked(&random::state(8, 7));
            // Not a Hermitian operator: elements and their transposes are observed separately.
            let observed = stacked(&random::unitary(8, 3));
            for (dwell, points) in [(1e-6, 50), (2e-5, 200), (1e-3, 3)] {
                let mut liouville = Liouville::new(&generator).unwrap();
                let (signal, end) = liouville.decay(&v, &observed, dwell, points, true).unwrap();
                let whole = exponential(&(generator.liouvillian(0.0) * real(dwell)));
                let mut now = v.clone();
                for (k, x) in signal.iter().enumerate() {
                    let expected: C64 = now.iter().zip(observed.iter()).map(|(x, f)| x * f).sum();
                    assert!((x - expected).norm() < 1e-11, "{name}, point {k} of {dwell}: {x} {expected}");
                    now = &whole * now;
                }
                assert!((&end - &now).norm() < 1e-11, "{name}, the end of {dwell}: {:e}", (&end - &now).norm());
            }
        }
    }
}
