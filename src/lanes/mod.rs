//! Dense linear algebra for batches of small matrices, one matrix a lane.
//!
//! A [`Lane`] holds one number of each of [`LANES`] matrices, and a [`MatrixBatch`] holds the matrices element by element (structure
//! of arrays). One instruction then works on eight matrices, however small they are.
//!
//! Every kernel is inlined into its caller. The caller dispatches once, and everything below is compiled for the widest vectors that
//! the processor has:
//!
//! ```
//! use ergoseq::lanes::{Lane, MatrixBatch, eigen};
//!
//! struct Levels<'a> {
//!     h: &'a mut MatrixBatch,
//!     values: &'a mut [Lane],
//!     vectors: &'a mut MatrixBatch,
//! }
//!
//! impl pulp::NullaryFnOnce for Levels<'_> {
//!     type Output = bool;
//!     #[inline(always)]
//!     fn call(self) -> bool {
//!         eigen(self.h, self.values, self.vectors).iter().all(|done| *done)
//!     }
//! }
//!
//! let (mut h, mut vectors) = (MatrixBatch::zeros(2), MatrixBatch::zeros(2));
//! let mut values = [Lane::zero(); 2];
//! h.add_scaled(&Lane::splat(0.5), &[(0, 1, 1.0, 0.0), (1, 0, 1.0, 0.0)]);
//! assert!(pulp::Arch::new().dispatch(Levels { h: &mut h, values: &mut values, vectors: &mut vectors }));
//! assert!((values[0].0[3] + 0.5).abs() < 1e-15);
//! ```
//!
//! Three rules hold everywhere:
//!
//! - The numbers in a lane depend on nothing in the other lanes, bit by bit.
//! - They are the same for every width of vectors: each sum has one order, and where a product and a sum are rounded together is
//!   written out.
//! - No kernel allocates. Outputs are passed in.
//!
//! A closure that stays a function of its own is compiled without the wide instructions, and each of its fused operations becomes a
//! call, more than ten times slower. So kernels are loops in functions that are always inlined.

mod eigen;
mod functions;
mod hermitian_function;
mod lane;
mod matrix;

pub use eigen::{dispatched_eigen, eigen};
pub use functions::{exp, ln, sin_cos};
pub use hermitian_function::{from_levels, gibbs};
pub use lane::{LANES, Lane};
pub use matrix::{Entry, MatrixBatch};
