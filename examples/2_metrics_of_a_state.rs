//! The metrics serve any density matrix: ergotropy and capacity of a partly charged qubit.
//!
//! `cargo run --release --example 2_metrics_of_a_state`

use ergoseq::linalg::{C64, Matrix, real};
use ergoseq::metrics::{capacity, ergotropy, l1_coherence};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let h = Matrix::from_row_slice(2, 2, &[real(-0.5), real(0.0), real(0.0), real(0.5)]);
    let rho = Matrix::from_row_slice(2, 2, &[real(0.6), C64::new(0.2, 0.1), C64::new(0.2, -0.1), real(0.4)]);
    println!("ergotropy {}", ergotropy(&rho, &h)?);
    println!("capacity  {}", capacity(&rho, &h)?);
    println!("coherence {}", l1_coherence(&rho));
    Ok(())
}
