//! Spins and modes, with their operators and states. Independent of sequences.

mod action;
mod bands;
mod basis;
mod columns;
mod isotope;
mod local;
mod multiplication;
mod operator;
mod product;
mod reduction;
mod sense;
mod site;
mod space;
mod sparse;
mod split;
mod state;
mod trace;

pub use action::Action;
pub use bands::{Bands, Form, WIDTH};
pub use basis::Basis;
pub use columns::Columns;
pub use isotope::{ELECTRON, FREE_G, ISOTOPES, Isotope};
pub use local::{LOCAL_OPERATORS, Local, LocalKind};
pub use multiplication::Multiplication;
pub use operator::Operator;
pub use reduction::{Blocks, ReducedBlock, Reduction};
pub use sense::{is_mirrored, mirrored};
pub use site::{Multiplet, Site, SiteKind};
pub use space::{Space, TooMany};
pub use sparse::{Sparse, components};
pub use split::Split;
pub use state::{
    State, boltzmann, crush, degeneracy, degenerate_within, dephase, gibbs, keep_orders, nearest_state,
    partial_transpose, project_to_simplex, reduce, reduce_outer, schmidt_matrix,
};
