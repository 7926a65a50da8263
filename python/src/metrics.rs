//! Metrics of any density matrix and Hamiltonian.

use crate::convert::{density, guarded, hermitian};
use ergoseq::linalg::{Matrix, hermitian_eigen};
use ergoseq::metrics as m;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// What a function of a metric gives: its value, or why it has none.
type Answer = Result<f64, String>;

/// What a metric is asked of, and its function.
enum Of {
    /// A state.
    State(fn(&Matrix) -> Answer),
    /// A state and a Hamiltonian.
    Hamiltonian(fn(&Matrix, &Matrix) -> Answer),
    /// Two states.
    Two(fn(&Matrix, &Matrix) -> Answer),
    /// A state, the dimensions of its subsystems, and some of these.
    Parts(fn(&Matrix, &[usize], &[usize]) -> Answer),
    /// A state, a Hamiltonian and an operator.
    Operator(fn(&Matrix, &Matrix, &Matrix) -> Answer),
}

fn text<T, E: std::fmt::Display>(value: Result<T, E>) -> Result<T, String> {
    value.map_err(|e| e.to_string())
}

/// Every metric: its name in Python, what it is asked of.
const METRICS: &[(&str, Of)] = &[
    ("purity", Of::State(|r| Ok(m::purity(r)))),
    ("entropy", Of::State(|r| text(m::entropy(r)))),
    ("linear_entropy", Of::State(|r| text(m::linear_entropy(r)))),
    ("l1_coherence", Of::State(|r| Ok(m::l1_coherence(r)))),
    ("relative_entropy_coherence", Of::State(|r| text(m::relative_entropy_coherence(r)))),
    ("concurrence", Of::State(|r| pair(r).and_then(|()| text(m::concurrence(r))))),
    ("discord", Of::State(|r| pair(r).and_then(|()| text(m::discord(r))))),
    ("classical_correlation", Of::State(|r| pair(r).and_then(|()| text(m::classical_correlation(r))))),
    ("energy", Of::Hamiltonian(|r, h| Ok(m::energy(r, h)))),
    ("passive_energy", Of::Hamiltonian(|r, h| text(m::passive_energy(r, h)))),
    ("ergotropy", Of::Hamiltonian(|r, h| text(m::ergotropy(r, h)))),
    ("anti_ergotropy", Of::Hamiltonian(|r, h| text(m::anti_ergotropy(r, h)))),
    ("capacity", Of::Hamiltonian(|r, h| text(m::capacity(r, h)))),
    ("incoherent_ergotropy", Of::Hamiltonian(|r, h| text(m::incoherent_ergotropy(r, h, &text(hermitian_eigen(h))?)))),
    (
        "coherent_ergotropy",
        Of::Hamiltonian(|r, h| {
            Ok(text(m::ergotropy(r, h))? - text(m::incoherent_ergotropy(r, h, &text(hermitian_eigen(h))?))?)
        }),
    ),
    ("incoherent_capacity", Of::Hamiltonian(|r, h| text(m::incoherent_capacity(r, h, &text(hermitian_eigen(h))?)))),
    ("thermodynamic_bound", Of::Hamiltonian(|r, h| text(m::thermodynamic_bound(r, h)))),
    ("standard_deviation", Of::Hamiltonian(|r, h| Ok(m::standard_deviation(r, h)))),
    ("spin_temperature", Of::Hamiltonian(|r, h| text(m::spin_temperature(r, h)))),
    ("correlation", Of::Hamiltonian(|r, h| text(m::deviation_correlation(r, h)))),
    ("gibbs_fidelity", Of::Hamiltonian(|r, h| text(m::gibbs_fidelity(r, h)))),
    ("gibbs_correlation", Of::Hamiltonian(|r, h| text(m::gibbs_correlation(r, h)))),
    ("fidelity", Of::Two(|a, b| text(m::fidelity(a, b)))),
    ("trace_distance", Of::Two(|a, b| text(m::trace_distance(a, b)))),
    ("bures_angle", Of::Two(|a, b| text(m::bures_angle(a, b)))),
    ("negativity", Of::Parts(|r, d, s| text(m::negativity(r, d, s)))),
    ("log_negativity", Of::Parts(|r, d, s| text(m::log_negativity(r, d, s)))),
    ("conserving_ergotropy", Of::Operator(|r, h, a| text(m::conserving_ergotropy(r, h, a)))),
];

fn pair(rho: &Matrix) -> Result<(), String> {
    if rho.nrows() == 4 {
        Ok(())
    } else {
        Err(format!("it is defined for two qubits, but the state has {} levels", rho.nrows()))
    }
}

fn form(of: &Of) -> &'static str {
    match of {
        Of::State(_) => "state",
        Of::Hamiltonian(_) => "hamiltonian",
        Of::Two(_) => "two",
        Of::Parts(_) => "parts",
        Of::Operator(_) => "operator",
    }
}

/// Names, forms, formulas and sources, for the package and its tests.
pub fn names(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let all = PyList::empty(py);
    for (name, of) in METRICS {
        let known = m::Metric::named(name);
        all.append((*name, form(of), known.map_or("", |k| k.formula), known.map_or("", |k| k.source)))?;
    }
    Ok(all)
}

fn same(a: &Matrix, b: &Matrix, names: (&str, &str)) -> PyResult<()> {
    if a.nrows() == b.nrows() {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "`{}` has {} rows and `{}` has {}: they must have the same dimension",
        names.0,
        a.nrows(),
        names.1,
        b.nrows()
    )))
}

/// A metric by its name. `others` is what its form asks for: a Hamiltonian, a second state, dimensions and subsystems, or a
/// Hamiltonian and an operator.
#[pyfunction]
pub fn measure(name: &str, rho: &Bound<'_, PyAny>, others: Vec<Bound<'_, PyAny>>) -> PyResult<f64> {
    let (_, of) = METRICS
        .iter()
        .find(|(n, _)| *n == name)
        .ok_or_else(|| PyKeyError::new_err(format!("unknown metric of matrices `{name}`")))?;
    let state = density(rho, "rho")?;
    let other =
        |k: usize| others.get(k).ok_or_else(|| PyTypeError::new_err(format!("`{name}` needs another argument")));
    let answer = match of {
        Of::State(f) => guarded(|| Ok(f(&state)))?,
        Of::Hamiltonian(f) => {
            let h = hermitian(other(0)?, "hamiltonian")?;
            same(&state, &h, ("rho", "hamiltonian"))?;
            guarded(|| Ok(f(&state, &h)))?
        }
        Of::Two(f) => {
            let second = density(other(0)?, "sigma")?;
            same(&state, &second, ("rho", "sigma"))?;
            guarded(|| Ok(f(&state, &second)))?
        }
        Of::Parts(f) => {
            let dimensions: Vec<usize> = other(0)?.extract()?;
            let sites: Vec<usize> = other(1)?.extract()?;
            let product = dimensions.iter().product::<usize>();
            if product != state.nrows() || dimensions.is_empty() {
                let message = format!(
                    "subsystems of {dimensions:?} levels have {product} states in total, but `rho` has {}",
                    state.nrows()
                );
                return Err(PyValueError::new_err(message));
            }
            if sites.iter().any(|s| *s >= dimensions.len()) {
                return Err(PyValueError::new_err(format!(
                    "there are {} subsystems, numbered from 0",
                    dimensions.len()
                )));
            }
            if let Some((_, twice)) = sites.iter().enumerate().find(|(k, s)| sites.iter().take(*k).any(|t| t == *s)) {
                return Err(PyValueError::new_err(format!("subsystem {twice} is given twice")));
            }
            guarded(|| Ok(f(&state, &dimensions, &sites)))?
        }
        Of::Operator(f) => {
            let h = hermitian(other(0)?, "hamiltonian")?;
            let a = hermitian(other(1)?, "operator")?;
            same(&state, &h, ("rho", "hamiltonian"))?;
            same(&state, &a, ("rho", "operator"))?;
            guarded(|| Ok(f(&state, &h, &a)))?
        }
    };
    answer.map_err(|why| PyValueError::new_err(format!("`{name}` is undefined here: {why}")))
}
