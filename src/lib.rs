//! map
#![allow(missing_docs)]
pub mod diagnostic;
pub mod linalg;
pub mod metrics;
pub mod spin;
pub mod source;
pub mod syntax;
pub mod units;
