"""Metrics beside QuTiP and plain NumPy, on random states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import ergoseq
from ergoseq import _core
from ergoseq import metrics as m

qutip = pytest.importorskip("qutip")

Array = NDArray[np.complex128]


def random_state(n: int, rank: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(n, rank)) + 1j * rng.normal(size=(n, rank))
    rho = g @ g.conj().T
    return np.asarray(rho / np.trace(rho))


def random_hamiltonian(n: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    g = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return np.asarray((g + g.conj().T) / 2)


CASES = [(n, rank, 100 * n + rank) for n in (2, 3, 4, 8) for rank in (1, 2, n)]


@pytest.mark.parametrize(("n", "rank", "seed"), CASES)
def test_beside_numpy(n: int, rank: int, seed: int) -> None:
    rho, h = random_state(n, rank, seed), random_hamiltonian(n, seed + 1)
    r, e = np.linalg.eigvalsh(rho)[::-1], np.linalg.eigvalsh(h)
    energy = np.trace(rho @ h).real
    assert m.energy(rho, h) == pytest.approx(energy, abs=1e-12)
    assert m.ergotropy(rho, h) == pytest.approx(energy - r @ e, abs=1e-12)
    assert m.passive_energy(rho, h) == pytest.approx(r @ e, abs=1e-12)
    assert m.anti_ergotropy(rho, h) == pytest.approx(r @ e[::-1] - energy, abs=1e-12)
    assert m.capacity(rho, h) == pytest.approx(r @ e[::-1] - r @ e, abs=1e-12)
    assert m.purity(rho) == pytest.approx(np.trace(rho @ rho).real, abs=1e-12)
    assert m.l1_coherence(rho) == pytest.approx(np.abs(rho).sum() - np.abs(np.diag(rho)).sum(), abs=1e-12)
    assert m.standard_deviation(rho, h) == pytest.approx(np.sqrt(max(np.trace(rho @ h @ h).real - energy**2, 0)), abs=1e-7)
    # Dephased in the energy basis, which is not degenerate.
    u = np.linalg.eigh(h)[1]
    diagonal = np.diag(u.conj().T @ rho @ u).real
    incoherent = diagonal @ e - np.sort(diagonal)[::-1] @ e
    assert m.incoherent_ergotropy(rho, h) == pytest.approx(incoherent, abs=1e-12)
    assert m.coherent_ergotropy(rho, h) == pytest.approx(energy - r @ e - incoherent, abs=1e-12)


@pytest.mark.parametrize(("n", "rank", "seed"), CASES)
def test_beside_qutip(n: int, rank: int, seed: int) -> None:
    a, b = random_state(n, rank, seed), random_state(n, n, seed + 2)
    qa, qb = qutip.Qobj(a), qutip.Qobj(b)
    assert m.entropy(a) == pytest.approx(qutip.entropy_vn(qa, base=2), abs=1e-10)
    assert m.fidelity(a, b) == pytest.approx(qutip.fidelity(qa, qb) ** 2, abs=1e-7)
    assert m.trace_distance(a, b) == pytest.approx(qutip.tracedist(qa, qb), abs=1e-10)
    assert m.bures_angle(a, b) == pytest.approx(qutip.bures_angle(qa, qb), abs=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_two_qubits_beside_qutip(rank: int) -> None:
    rho = random_state(4, rank, 7 + rank)
    q = qutip.Qobj(rho, dims=[[2, 2], [2, 2]])
    assert m.concurrence(rho) == pytest.approx(qutip.concurrence(q), abs=1e-7)
    assert m.negativity(rho, [2, 2], [0]) == pytest.approx(qutip.negativity(q, 0), abs=1e-10)
    assert m.log_negativity(rho, [2, 2], [0]) == pytest.approx(qutip.negativity(q, 0, logarithmic=True), abs=1e-9)


@pytest.mark.parametrize(("n", "rank", "seed"), CASES)
def test_beside_qthermo(n: int, rank: int, seed: int) -> None:
    qthermo = pytest.importorskip("qthermo")
    rho, h = random_state(n, rank, seed), random_hamiltonian(n, seed + 3)
    assert m.ergotropy(rho, h) == pytest.approx(qthermo.ergotropy(rho, h), abs=1e-10)
    assert m.energy(rho, h) == pytest.approx(qthermo.internal_energy(rho, h), abs=1e-12)
    split = qthermo.ergotropy_split(rho, h)
    assert m.incoherent_ergotropy(rho, h) == pytest.approx(split["incoherent"], abs=1e-10)
    assert m.coherent_ergotropy(rho, h) == pytest.approx(split["coherent"], abs=1e-10)
    assert m.entropy(rho) * np.log(2) == pytest.approx(qthermo.von_neumann_entropy(rho), abs=1e-10)
    assert m.passive_energy(rho, h) == pytest.approx(np.trace(np.asarray(qthermo.passive_state(rho, h)) @ h).real, abs=1e-10)
    other = random_state(n, n, seed + 4)
    assert m.trace_distance(rho, other) == pytest.approx(qthermo.trace_distance(rho, other), abs=1e-10)


def test_real_and_integer_matrices_are_taken() -> None:
    assert m.ergotropy([[0, 0], [0, 1]], np.diag([-1, 1])) == 2.0
    assert m.purity(np.eye(2, dtype=np.float32) / 2) == pytest.approx(0.5)
    # Neither order of storage is read as the other.
    rho = random_state(3, 3, 5)
    h = random_hamiltonian(3, 6)
    assert m.energy(np.asfortranarray(rho), h) == m.energy(rho, np.asfortranarray(h)) == m.energy(rho, h)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((np.ones((2, 3)), np.eye(2)), ValueError, r"must be square, its shape is \(2, 3\)"),
        ((np.ones(4), np.eye(2)), ValueError, "two dimensions"),
        ((np.array([["a", "b"], ["c", "d"]]), np.eye(2)), TypeError, "matrix of numbers"),
        ((np.eye(2) / 2, np.array([[0, 1], [0, 0]])), ValueError, "`hamiltonian` is not Hermitian"),
        ((np.eye(2), np.eye(2)), ValueError, "its trace is 2"),
        ((np.diag([1.5, -0.5]), np.eye(2)), ValueError, "it has the eigenvalue -5"),
        ((np.eye(2) / 2, np.eye(3)), ValueError, "must have the same dimension"),
        ((np.diag([np.nan, 1]), np.eye(2)), ValueError, "non-finite"),
    ],
)
def test_what_is_no_state_or_hamiltonian_is_refused(arguments: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        m.ergotropy(*arguments)


def test_subsystems_must_fit() -> None:
    with pytest.raises(ValueError, match="have 6 states in total, but `rho` has 4"):
        m.negativity(np.eye(4) / 4, [2, 3], [0])
    with pytest.raises(ValueError, match="numbered from 0"):
        m.negativity(np.eye(4) / 4, [2, 2], [2])
    with pytest.raises(ValueError, match="given twice"):
        m.log_negativity(np.eye(4) / 4, [2, 2], [1, 1])
    with pytest.raises(ValueError, match="two qubits"):
        m.concurrence(np.eye(3) / 3)


def test_every_metric_has_a_function_with_a_docstring() -> None:
    names = {name for name, *_ in _core.METRICS}
    assert names == set(m.__all__)
    for name in names:
        doc = getattr(m, name).__doc__
        assert doc and "Args:" in doc and "Returns:" in doc, name
    assert ergoseq.__version__
