//! Dense linear algebra for batches of small matrices, one matrix per SIMD lane.
//!
//! A [`Lane`] holds one number per matrix for [`LANES`] matrices, and a [`MatrixBatch`] holds the matrices element by element (structure
//! of arrays). One instruction then processes up to eight matrices, however small they are.
//!
//! Every kernel is inlined into its caller, except `eigen`, which is large and dispatches itself. The caller dispatches once, and
//! everything below is compiled for the widest SIMD instructions of the processor. Sixteen Gibbs states:
//!
//! ```
//! use ergoseq::lanes::{Lane, MatrixBatch, eigen, from_levels, gibbs};
//!
//! struct Gibbs<'a> {
//!     h: &'a mut MatrixBatch,
//!     vectors: &'a mut MatrixBatch,
//!     temperature: Lane,
//!     rho: &'a mut MatrixBatch,
//! }
//!
//! impl pulp::NullaryFnOnce for Gibbs<'_> {
//!     type Output = bool;
//!
//!     #[inline(always)]
//!     fn call(self) -> bool {
//!         let (mut values, mut weights) = ([Lane::zero(); 2], [Lane::zero(); 2]);
//!         let success = eigen(self.h, &mut values, self.vectors);
//!         gibbs(&values, self.temperature, &mut weights);
//!         from_levels(self.vectors, &weights, self.rho);
//!         success.iter().all(|done| *done)
//!     }
//! }
//!
//! let zeros = MatrixBatch::zeros(2);
//! let (mut h, mut vectors, mut rho) = (zeros.clone(), zeros.clone(), zeros);
//! h.add_scaled(&Lane::splat(0.5), &[(0, 1, 1.0, 0.0), (1, 0, 1.0, 0.0)]);
//! let temperature = Lane(std::array::from_fn(|l| l as f64));
//! let work = Gibbs { h: &mut h, vectors: &mut vectors, temperature, rho: &mut rho };
//! assert!(pulp::Arch::new().dispatch(work));
//! // <S_x> is -tanh(1/2T)/2: -1/2 at T = 0.
//! let (coherence, _) = rho.at(0, 1);
//! assert!((coherence.0[0] + 0.5).abs() < 1e-15);
//! assert!((coherence.0[3] + 0.5 * (1.0_f64 / 6.0).tanh()).abs() < 1e-15);
//! ```
//!
//! Three rules hold everywhere:
//!
//! - The numbers in a lane do not depend on the other lanes, bit for bit.
//! - They are the same for every SIMD width: each sum has a fixed order, and fused multiply-add is used only where
//!   it is written explicitly.
//! - No kernel allocates. Outputs are passed in.
//!
//! A closure that is not inlined is compiled without the wide instructions, and each of its fused operations becomes a
//! function call, more than ten times slower. Kernels are therefore loops in functions that are always inlined.

mod eigen;
mod functions;
mod hermitian_function;
mod lane;
mod matrix;
mod rotation;
mod sort;
mod vector;

pub use eigen::{eigen, eigenvalues};
pub use functions::{exp, ln, sin_cos, sin_cos_of};
pub use hermitian_function::{from_levels, gibbs};
pub use lane::{LANES, Lane};
pub use matrix::{Entry, MatrixBatch};
pub use vector::Part;
