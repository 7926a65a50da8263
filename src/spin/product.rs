//! Products of local matrices on different subsystems, the terms of an operator.

use super::local::{Local, LocalKind};
use crate::linalg::C64;
use std::sync::{Arc, OnceLock};

/// What a product is made of: an operator of the language and its subsystem, and a second one.
pub(super) type Factors = ((LocalKind, usize), Option<(LocalKind, usize)>);

/// A product of local matrices on different subsystems. It never changes, so that sums share it.
#[derive(Debug)]
pub(super) struct Product {
    /// By ascending subsystem; the identity is left out.
    pub(super) factors: Vec<(usize, Arc<Local>)>,
    /// Whether every factor equals its adjoint.
    pub(super) hermitian: bool,
    /// Row, column and value of the whole matrix where it is small; made when first needed, and for one basis alone.
    pub(super) entries: OnceLock<Vec<(usize, usize, C64)>>,
}

impl Product {
    /// The product of these local matrices, by ascending subsystem.
    pub(super) fn new(factors: Vec<(usize, Arc<Local>)>) -> Product {
        let hermitian = factors.iter().all(|(_, local)| local.is_hermitian());
        Product { factors, hermitian, entries: OnceLock::new() }
    }
}
