//! Complex numbers, vectors and matrices.

use num_complex::Complex;

/// A complex number.
pub type C64 = Complex<f64>;
/// A dense complex matrix.
pub type Matrix = nalgebra::DMatrix<C64>;
/// A dense complex vector.
pub type Vector = nalgebra::DVector<C64>;
/// A real 3 x 3 matrix.
pub type Real3 = nalgebra::Matrix3<f64>;

/// The imaginary unit.
pub const I: C64 = C64::new(0.0, 1.0);
/// Zero.
pub const ZERO: C64 = C64::new(0.0, 0.0);
/// One.
pub const ONE: C64 = C64::new(1.0, 0.0);
