//! What an editor asks of a program while it is being written: names and where they are used, completions, meanings, colours, hints.
//!
//! Everything here works on a text that may be broken, and knows places as bytes of it; what an editor calls a position is the affair of
//! whoever speaks with the editor.

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
