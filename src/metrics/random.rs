//! Random states, Hamiltonians and unitaries for tests, reproducible from the seed.

use crate::linalg::{C64, Matrix, hermitian_eigen, hermitian_part};

/// Complex Gaussian (Ginibre) matrix, n x m.
pub fn ginibre(n: usize, m: usize, seed: u64) -> Matrix {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x1234_5678_9ABC_DEF0;
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    Matrix::from_fn(n, m, |_, _| {
        let (radius, angle) = ((-2.0 * uniform().ln()).sqrt(), 2.0 * std::f64::consts::PI * uniform());
        C64::from_polar(radius, angle)
    })
}

/// Mixed state of full rank, n x n.
pub fn state(n: usize, seed: u64) -> Matrix {
    let g = ginibre(n, n, seed);
    let m = &g * g.adjoint();
    let trace = m.trace();
    hermitian_part(&m.map(|x| x / trace))
}

/// Pure state as a density matrix, n x n.
pub fn pure(n: usize, seed: u64) -> Matrix {
    let g = ginibre(n, 1, seed);
    let m = &g * g.adjoint();
    let trace = m.trace();
    m.map(|x| x / trace)
}

/// Hermitian matrix, n x n.
pub fn hamiltonian(n: usize, seed: u64) -> Matrix {
    hermitian_part(&ginibre(n, n, seed ^ 0xABCD))
}

/// Unitary matrix, n x n.
pub fn unitary(n: usize, seed: u64) -> Matrix {
    hermitian_eigen(&hamiltonian(n, seed ^ 0x77)).expect("finite matrices have eigenvalues").propagator(5.0)
}
