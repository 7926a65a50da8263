//! Editor support: declared names and their uses, completion, hover, semantic highlighting, inlay hints, rename.
//!
//! All functions accept texts with errors. Positions are byte offsets; the caller converts them to the positions of the editor protocol.

mod colour;
mod complete;
mod document;
mod hint;
mod latex;
mod meaning;
mod names;
mod uses;

pub use colour::{COLOURS, colours};
pub use complete::{Completion, completions};
pub use document::Document;
pub use hint::{Hint, hints};
pub use latex::latex;
pub use meaning::meaning;
pub use names::{Kind, Named};
pub use uses::{Use, renamed, uses};
