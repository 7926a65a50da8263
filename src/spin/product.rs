//! Products of local matrices on different subsystems: the terms of an operator.

use super::local::{Local, LocalKind};
use crate::linalg::C64;
use std::sync::{Arc, OnceLock};

/// Cache key of a product: a local operator with its subsystem, and optionally a second one.
pub(super) type Factors = ((LocalKind, usize), Option<(LocalKind, usize)>);

/// An immutable product of local matrices on different subsystems, shared between sums.
#[derive(Debug)]
pub(super) struct Product {
    /// Local matrices by ascending subsystem; identities are omitted.
    pub(super) factors: Vec<(usize, Arc<Local>)>,
    /// True if every factor is Hermitian.
    pub(super) hermitian: bool,
    /// (row, column, value) of the whole matrix if it is small; computed on first use, valid for one basis only.
    pub(super) entries: OnceLock<Vec<(usize, usize, C64)>>,
}

impl Product {
    /// Product of these local matrices, sorted by ascending subsystem.
    pub(super) fn new(factors: Vec<(usize, Arc<Local>)>) -> Product {
        let hermitian = factors.iter().all(|(_, local)| local.is_hermitian());
        Product { factors, hermitian, entries: OnceLock::new() }
    }
}
