//! Results to bytes, in one format a file.

mod chart;
mod csv;
pub mod dataset;
pub mod drawing;
mod figure;
mod format;
mod json;
pub mod netcdf;
#[cfg(feature = "pictures")]
mod picture;
mod plane;
mod readings;
mod received;
mod rehearsal;
mod spectrum;
mod table;

pub use chart::{MOST_POINTS, chart, too_many};
pub use csv::{csv, field};
pub use figure::{Content, Curve, Figure, Map, Panel};
pub use format::{FORMATS, Format};
pub use json::json;
#[cfg(feature = "pictures")]
pub use picture::{KINDS, Kind, Picture, letters};
pub use readings::{amplitudes, readings};
pub use received::received;
pub use rehearsal::{rehearsal, scaled};
pub use spectrum::{Processing, jcamp, npy, simpson, spectrum, transform};
pub use table::table;
