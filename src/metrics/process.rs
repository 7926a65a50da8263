//! The process from `prepare` to a moment, as far as metrics of the evolution need it: a unitary, or unitaries with projective measurements
//! in between whose outcomes decide what follows.

use super::NoPropagator;
use super::measurement::Measurement;
use crate::linalg::{Matrix, conjugate};

/// The process from `prepare` to a moment.
#[derive(Debug, Clone)]
pub enum Process {
    /// Unitary evolution, by its propagator U.
    Unitary(Matrix),
    /// Unitary evolution with projective measurements and feedback.
    Measured(Box<Measured>),
}

/// A two-point measurement of energy around a process `Lambda` with projective measurements: H is measured after `prepare`, with the levels n.
#[derive(Debug, Clone)]
pub struct Measured {
    /// For every level: its energy `E_n` and `Lambda[P_n rho_0 P_n]`. Empty without a battery.
    pub levels: Vec<(f64, Matrix)>,
    /// For every level: `sum_l,k p(k) B_k[P_l U P_n rho_0 P_n U^dagger P_l]` over the pairs with `p(k|l) > 0`, which is
    /// `Lambda[P_n rho_0 P_n]` with the weights `p(k)/p(k|l) = exp(-I)`.
    weighted: Vec<Matrix>,
    /// The state itself, without the first measurement of energy.
    state: Matrix,
    /// Mutual information of the outcomes l and the records k, nats; an error after a second record.
    information: Result<f64, NoPropagator>,
}

/// The matrices of a [`Measured`] process that evolve alike.
#[derive(Clone)]
pub struct Bundle(pub Vec<Matrix>);

/// Probabilities of a measurement: `p(l)` of the outcomes, and `p(k|l)` of the records.
pub struct Records<'a> {
    /// `p(l)`.
    pub outcomes: &'a [f64],
    /// `p(k|l)`.
    pub recorded: &'a dyn Fn(usize, usize) -> f64,
}

impl Records<'_> {
    /// `p(k) = sum_l p(k|l) p(l)`.
    pub fn probability(&self, k: usize) -> f64 {
        self.outcomes.iter().enumerate().map(|(l, p)| (self.recorded)(k, l) * p).sum()
    }

    /// `I = sum_l,k p(l) p(k|l) ln(p(k|l)/p(k))`, nats.
    pub fn information(&self) -> f64 {
        let mut sum = 0.0;
        for k in 0..self.outcomes.len() {
            let total = self.probability(k);
            for (l, p) in self.outcomes.iter().enumerate() {
                let recorded = (self.recorded)(k, l);
                if p * recorded > 0.0 {
                    sum += p * recorded * (recorded / total).ln();
                }
            }
        }
        sum
    }
}

impl Measured {
    /// The process at its first measurement, behind the unitary `u`, of a battery with Hamiltonian `h` on the whole system.
    ///
    /// # Errors
    /// If eigenvalues cannot be computed.
    pub fn begin(rho: &Matrix, h: Option<&Matrix>, u: &Matrix) -> Result<Measured, NoPropagator> {
        let mut levels = Vec::new();
        if let Some(h) = h {
            let measurement = Measurement::of(h).map_err(|_| NoPropagator::NoEigenvalues)?;
            levels.extend(measurement.projected(rho).into_iter().map(|(energy, part)| (energy, conjugate(u, &part))));
        }
        let weighted = levels.iter().map(|(_, part)| part.clone()).collect();
        Ok(Measured { levels, weighted, state: conjugate(u, rho), information: Ok(0.0) })
    }

    /// Its matrices.
    pub fn bundle(&self) -> Bundle {
        let levels = self.levels.iter().map(|(_, part)| part);
        Bundle(levels.chain(&self.weighted).chain([&self.state]).cloned().collect())
    }

    /// The same process with other matrices, in the order of [`Measured::bundle`].
    pub fn with_bundle(&self, bundle: Bundle) -> Measured {
        let mut matrices = bundle.0.into_iter();
        let levels = self.levels.iter().zip(matrices.by_ref()).map(|((energy, _), part)| (*energy, part)).collect();
        let weighted: Vec<Matrix> = matrices.by_ref().take(self.weighted.len()).collect();
        let state = matrices.next().unwrap_or_else(|| self.state.clone());
        Measured { levels, weighted, state, information: self.information }
    }

    /// The process followed by a unitary.
    pub fn followed_by(&self, u: &Matrix) -> Measured {
        self.with_bundle(Bundle(self.bundle().0.iter().map(|m| conjugate(u, m)).collect()))
    }

    /// The process after its first record, or after one more.
    pub fn informed(mut self, information: f64, first: bool) -> Measured {
        self.information = if first { Ok(information) } else { Err(NoPropagator::SeveralRecords) };
        self
    }

    /// Marks the process as one with measurements inside of branches.
    pub fn without_information(mut self) -> Measured {
        self.information = Err(NoPropagator::SeveralRecords);
        self
    }

    /// Positions in the bundle of the matrices with the weights `exp(-I)`.
    pub fn weighted_part(&self) -> std::ops::Range<usize> {
        self.levels.len()..self.levels.len() + self.weighted.len()
    }

    /// The state before a measurement: its trace with a projector is the probability of an outcome.
    pub fn state(&self) -> &Matrix {
        &self.state
    }

    /// Mutual information of the outcomes and the records, nats.
    ///
    /// # Errors
    /// After a second record.
    pub fn information(&self) -> Result<f64, NoPropagator> {
        self.information
    }

    /// For every level: its energy and its part with the weights `exp(-I)`.
    ///
    /// # Errors
    /// After a second record.
    pub fn weighted(&self) -> Result<impl Iterator<Item = (f64, &Matrix)>, NoPropagator> {
        self.information?;
        Ok(self.levels.iter().zip(&self.weighted).map(|((energy, _), part)| (*energy, part)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{hamiltonian, state, unitary};
    use super::*;
    use crate::linalg::hermitian_eigen;

    #[test]
    fn information_is_that_of_a_binary_channel() {
        // Equal outcomes through a channel with error e: ln 2 - h(e), h the binary entropy in nats.
        let e: f64 = 0.11;
        let records = Records { outcomes: &[0.5, 0.5], recorded: &|k, l| if k == l { 1.0 - e } else { e } };
        let entropy = -e * e.ln() - (1.0 - e) * (1.0 - e).ln();
        assert!((records.information() - (2f64.ln() - entropy)).abs() < 1e-15);
        let useless = Records { outcomes: &[0.3, 0.7], recorded: &|_, _| 0.5 };
        assert!(useless.information().abs() < 1e-15);
    }

    #[test]
    fn a_bundle_is_put_back_where_it_was() {
        let (rho, h, u) = (state(4, 1), hamiltonian(4, 2), unitary(4, 3));
        let process = Measured::begin(&rho, Some(&h), &u).unwrap();
        let again = process.with_bundle(process.bundle());
        assert_eq!(process.levels, again.levels);
        assert_eq!(process.state(), again.state());
        // The parts of all levels add up to the state without coherences between levels.
        let sum: Matrix = process.levels.iter().map(|(_, part)| part.clone()).sum();
        let expected = conjugate(&u, &crate::spin::dephase(&rho, &hermitian_eigen(&h).unwrap()));
        assert!((sum - expected).norm() < 1e-13);
    }
}
