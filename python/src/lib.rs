//! What Python imports as `ergoseq._core`: programs, runs and metrics. The package around it is Python.

mod convert;
mod files;
mod metrics;
mod program;
mod results;

use pyo3::prelude::*;

/// The compiled part of the package.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::program::Program;

    #[pymodule_export]
    use super::results::Results;

    #[pymodule_export]
    use super::metrics::measure;

    #[pymodule_export]
    use super::files::read_text;

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("METRICS", super::metrics::names(module.py())?)?;
        module.add("DRAWINGS", super::program::drawings())
    }
}
