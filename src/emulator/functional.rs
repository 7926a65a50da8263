//! Real linear functions of density matrices whose integrals over time are followed, such as the rate at which a dissipator changes an energy.

use crate::linalg::{C64, Matrix, Vector, real, trace_of_product};
use crate::waveform::Scalar;

/// `Tr[h d] + m mean` of the mean diagonal element and the deviation d from it.
pub struct Share {
    /// h, Hermitian.
    pub h: Matrix,
    /// m.
    pub mean: f64,
}

/// A share times a rate that depends on time.
pub struct ChangingShare {
    /// The rate.
    pub rate: Scalar,
    /// Upper bound of its magnitude.
    pub largest: f64,
    /// The share at the rate 1.
    pub share: Share,
}

/// A sum of shares.
pub struct Functional {
    /// What does not depend on time.
    pub constant: Share,
    /// What does.
    pub changing: Vec<ChangingShare>,
}

/// The rows that give a functional from stacked density matrices (see [`super::engines::exact::stacked`]).
pub struct Rows {
    constant: Vector,
    changing: Vec<(Scalar, Vector)>,
}

impl Share {
    fn of(&self, deviation: &Matrix, mean: f64) -> f64 {
        trace_of_product(&self.h, deviation).re + self.mean * mean
    }

    /// The row that gives it from a stacked density matrix.
    pub fn row(&self) -> Vector {
        Vector::from_iterator(self.h.len() + 1, self.h.transpose().iter().copied().chain([real(self.mean)]))
    }

    /// Largest magnitude of an element of h.
    pub fn largest(&self) -> f64 {
        self.h.iter().fold(0.0, |most, x| most.max(x.norm()))
    }
}

impl Functional {
    /// Its value at a time.
    pub fn at(&self, t: f64, deviation: &Matrix, mean: f64) -> f64 {
        let changing = self.changing.iter().map(|c| c.rate.at(t) * c.share.of(deviation, mean));
        self.constant.of(deviation, mean) + changing.sum::<f64>()
    }

    /// Upper bound of the magnitude of an element of h.
    pub fn largest(&self) -> f64 {
        self.constant.largest() + self.changing.iter().map(|c| c.largest * c.share.largest()).sum::<f64>()
    }

    /// Upper bound of the Frobenius norm of h.
    pub fn size(&self) -> f64 {
        self.constant.h.norm() + self.changing.iter().map(|c| c.largest * c.share.h.norm()).sum::<f64>()
    }

    /// The rows that give it, in units of `unit`.
    pub fn rows(&self, unit: f64) -> Rows {
        let changing = self.changing.iter().map(|c| (c.rate.clone(), c.share.row() / real(unit)));
        Rows { constant: self.constant.row() / real(unit), changing: changing.collect() }
    }
}

impl Rows {
    /// Adds them to the elements of a row at a time.
    pub fn add_to<'a>(&self, t: f64, elements: impl Iterator<Item = &'a mut C64>) {
        let now: Vec<f64> = self.changing.iter().map(|(rate, _)| rate.at(t)).collect();
        let mut changing: Vec<_> = self.changing.iter().map(|(_, row)| row.iter()).collect();
        for (element, constant) in elements.zip(self.constant.iter()) {
            *element += *constant;
            for (rate, row) in now.iter().zip(&mut changing) {
                *element += row.next().copied().unwrap_or_default() * *rate;
            }
        }
    }
}
