//! Between Python and the library: arrays, mistakes, and panics, which must not reach Python as such: what Dask hears of a
//! `PanicException` is nothing, and it would wait for ever.

use ergoseq::diagnostic::{Diagnostic, Severity};
use ergoseq::linalg::Matrix;
use ergoseq::source::Sources;
use num_complex::Complex64;
use numpy::npyffi::NPY_ORDER;
use numpy::{AllowTypeChange, IntoPyArray, PyArray2, PyArrayLike2, PyArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// A square matrix of NumPy, of any real or complex type.
pub fn matrix(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Matrix> {
    let array: PyArrayLike2<'_, Complex64, AllowTypeChange> =
        value.extract().map_err(|_| PyTypeError::new_err(format!("`{name}` must be a matrix of numbers")))?;
    let view = array.as_array();
    let (rows, columns) = view.dim();
    if rows != columns || rows == 0 {
        return Err(PyValueError::new_err(format!("`{name}` must be square, its shape is ({rows}, {columns})")));
    }
    if view.iter().any(|x| !x.is_finite()) {
        return Err(PyValueError::new_err(format!("`{name}` has non-finite entries")));
    }
    Ok(Matrix::from_fn(rows, columns, |i, j| view[(i, j)]))
}

/// The same, which must be its own adjoint to rounding.
pub fn hermitian(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Matrix> {
    let m = matrix(value, name)?;
    let scale = m.iter().map(|x| x.norm()).fold(f64::MIN_POSITIVE, f64::max);
    let off = (&m - m.adjoint()).iter().map(|x| x.norm()).fold(0.0, f64::max);
    if off > 1e-10 * scale {
        return Err(PyValueError::new_err(format!(
            "`{name}` is not Hermitian: it differs from its adjoint by {:.1e} of its largest entry",
            off / scale
        )));
    }
    Ok((&m + m.adjoint()).map(|x| x * 0.5))
}

/// A density matrix: Hermitian, of trace 1, without negative eigenvalues beyond rounding.
pub fn density(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Matrix> {
    let m = hermitian(value, name)?;
    let trace = m.trace().re;
    if (trace - 1.0).abs() > 1e-8 {
        return Err(PyValueError::new_err(format!("`{name}` is not a density matrix: its trace is {trace}")));
    }
    let lowest = ergoseq::linalg::hermitian_values(&m)
        .map_err(|e| PyValueError::new_err(format!("`{name}`: {e}")))?
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    if lowest < -1e-8 {
        return Err(PyValueError::new_err(format!(
            "`{name}` is not a density matrix: it has the eigenvalue {lowest:.3e}"
        )));
    }
    Ok(m)
}

/// An array of NumPy that has taken the matrix over: nothing is copied, its columns lie one behind the other.
pub fn array(py: Python<'_>, m: Matrix) -> PyResult<Bound<'_, PyArray2<Complex64>>> {
    let shape = [m.nrows(), m.ncols()];
    let columns: Vec<Complex64> = m.data.into();
    columns.into_pyarray(py).reshape_with_order(shape, NPY_ORDER::NPY_FORTRANORDER)
}

/// A diagnostic as a dictionary.
pub fn described<'py>(py: Python<'py>, d: &Diagnostic, sources: &Sources) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let at = d.span.map(|span| sources.line_and_column(span));
    out.set_item("code", d.code.to_string())?;
    out.set_item("severity", if d.severity() == Severity::Error { "error" } else { "warning" })?;
    out.set_item("message", &d.message)?;
    out.set_item("file", d.span.and_then(|span| sources.get(span.file)).map(|s| s.name.clone()))?;
    out.set_item("line", at.map(|(line, _)| line))?;
    out.set_item("column", at.map(|(_, column)| column))?;
    out.set_item("help", d.help.clone())?;
    out.set_item("rendered", d.render(sources, false))?;
    Ok(out)
}

/// Mistakes as `ergoseq.ErgoseqError`.
pub fn refused(py: Python<'_>, diagnostics: &[Diagnostic], sources: &Sources) -> PyErr {
    let raise = || -> PyResult<PyErr> {
        let all = PyList::empty(py);
        for d in diagnostics {
            all.append(described(py, d, sources)?)?;
        }
        let class = py.import("ergoseq.errors")?.getattr("ErgoseqError")?;
        Ok(PyErr::from_value(class.call1((all,))?))
    };
    raise().unwrap_or_else(|e| e)
}

/// Why nothing came back.
fn panicked(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_string());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    format!("internal error of ergoseq, please report it: {}", text.unwrap_or_default())
}

/// Works without the lock of Python, on a thread of its own, so that Ctrl-C is heard: what was begun then ends by itself, unseen.
pub fn work<T: Send + 'static>(py: Python<'_>, job: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    let (send, receive) = channel();
    let begun = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(job)).map_err(|payload| panicked(payload.as_ref()));
        // Nobody listens after Ctrl-C.
        let _ = send.send(result);
    });
    begun.map_err(|e| PyRuntimeError::new_err(format!("cannot start a thread: {e}")))?;
    let receive = std::sync::Mutex::new(receive);
    loop {
        let got = py.detach(|| {
            let receive = receive.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            receive.recv_timeout(Duration::from_millis(50))
        });
        match got {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(why)) => return Err(PyRuntimeError::new_err(why)),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(PyRuntimeError::new_err("the computation ended without a result"));
            }
        }
    }
}

/// The same for what is over at once: on this thread, with the lock held.
pub fn guarded<T>(job: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(job))
        .unwrap_or_else(|payload| Err(PyRuntimeError::new_err(panicked(payload.as_ref()))))
}
