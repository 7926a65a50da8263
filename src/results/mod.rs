//! Results of an experiment at all its points, as named columns: the common type behind the table, JSON, CSV, NetCDF, figures, the report
//! and NumPy.
//!
//! A [`ResultSet`] is a [`Schema`] and its values. The schema lists the columns with key, unit, quantity and range ([`Over`]); it follows
//! from the experiment and the results of one point. The values of a column are contiguous, point after point in row-major order of the
//! sweeps:
//! | range | values per point | columns |
//! |---|---|---|
//! | points | 1 | parameters, named scalars of `measure`, the time at which a trace begins |
//! | marks | one per mark | the times of the marks, metrics at the marks |
//! | samples of a trace | one per sample; their number may differ between points | the times of the samples, metrics along the trace |
//!
//! Undefined values are NaN. Defined results never are: the emulator rejects numbers that are not finite. A point that failed has
//! NaN in every column, no samples, and the code and message of its error as [`Status`].
//!
//! Units are fixed when the schema is created, including joule or hertz for energies, so all formats show the same numbers.
//! ```
//! use ergoseq::prelude::*;
//! let text = "ergoseq 1\nunits natural\nparam tau = 1\nsystem { spin a : 1/2 }\n\
//!             sequence { prepare ket \"0\"\n evolve X(a) for tau }\nmeasure { z = expectation(Z(a)) }\nsweep tau = 0, pi/4, pi/2";
//! let experiment = compile("a.seq", text, &mut no_files).expect("the program is right").experiment;
//! let given = Values::new();
//! let axes = axes(&experiment, &given).expect("the sweep is right");
//! let runs = points(&axes, &given).map(|p| run(&experiment, &p, &Options::default()).expect("it runs"));
//! let schema = Schema::new(&experiment, "a.seq", &axes, &given, EnergyUnit::Default);
//! let set = ResultSet::of(schema, runs).expect("all points have the same results");
//! // One value per point and mark; `end` is the only mark here.
//! let z = set.column("z").expect("it is measured").all();
//! assert!(z.iter().zip([1.0, 0.0, -1.0]).all(|(z, exact)| (z - exact).abs() < 1e-12));
//! ```
//!
//! [`Schema::arrays`] describes the layout of the columns as labelled arrays, for files and for xarray.

mod arrays;
mod bytes;
mod rounding;
mod schema;
mod set;
mod units;
mod view;

pub use arrays::{Array, Arrays, Content, Dimension, PENDING, STATUS, number_of};
pub use rounding::Rounding;
pub use schema::{Column, Holds, Over, Schema, TraceAxis};
pub use set::{ResultSet, Status};
pub use units::{EnergyUnit, Unit, Units};
pub use view::{Mark, Point, Trace, Values};
