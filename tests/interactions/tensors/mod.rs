//! Rotations and spin operators written out, independently of the library.

use ergoseq::linalg::{C64, Matrix, real};

pub type M3 = [[f64; 3]; 3];

pub fn product(a: M3, b: M3) -> M3 {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

/// The rotation about z by an angle in rad.
pub fn about_z(a: f64) -> M3 {
    [[a.cos(), -a.sin(), 0.0], [a.sin(), a.cos(), 0.0], [0.0, 0.0, 1.0]]
}

/// The rotation about y by an angle in rad.
pub fn about_y(a: f64) -> M3 {
    [[a.cos(), 0.0, a.sin()], [0.0, 1.0, 0.0], [-a.sin(), 0.0, a.cos()]]
}

/// The rotation by Euler angles (z, y, z) in degrees.
pub fn euler(degrees: [f64; 3]) -> M3 {
    let [a, b, c] = degrees.map(f64::to_radians);
    product(product(about_z(a), about_y(b)), about_z(c))
}

/// Ix, Iy, Iz of a spin of so many states.
pub fn spin(dimension: usize) -> [Matrix; 3] {
    let s = (dimension - 1) as f64 / 2.0;
    let raising = Matrix::from_fn(dimension, dimension, |i, j| {
        let m = s - j as f64;
        real(if i + 1 == j { (s * (s + 1.0) - m * (m + 1.0)).sqrt() } else { 0.0 })
    });
    let lowering = raising.adjoint();
    let y = (&raising - &lowering).map(|c| c * C64::new(0.0, -0.5));
    let z = Matrix::from_fn(dimension, dimension, |i, j| real(if i == j { s - i as f64 } else { 0.0 }));
    [(raising + lowering).map(|c| c * 0.5), y, z]
}
