//! Spins, modes and their operators and states. Knows no sequence: it serves anyone's matrices.

mod basis;
mod isotope;
mod operator;
mod state;

pub use basis::{Basis, Site, SiteKind};
pub use isotope::{ISOTOPES, Isotope};
pub use operator::{LOCAL_OPERATORS, Local, LocalKind, Operator, Sparse};
pub use state::{
    State, crush, degeneracy, dephase, gibbs, nearest_state, partial_transpose, project_to_simplex, reduce,
    reduce_outer, thermal_product,
};
