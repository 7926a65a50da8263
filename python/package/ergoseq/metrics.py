"""Metrics of any density matrix and Hamiltonian, as NumPy arrays or QuTiP ``Qobj``.

Density matrices have shape (n, n), are Hermitian, have trace 1 and no negative eigenvalues; a Hamiltonian is Hermitian. Other matrices
raise a ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from . import _core

Matrix: TypeAlias = "NDArray[Any] | Any"
"""A matrix: a NumPy array, a nested list, or an object with ``full()`` such as a QuTiP ``Qobj``."""

__all__ = [
    "purity",
    "entropy",
    "linear_entropy",
    "l1_coherence",
    "relative_entropy_coherence",
    "concurrence",
    "discord",
    "classical_correlation",
    "energy",
    "passive_energy",
    "ergotropy",
    "anti_ergotropy",
    "capacity",
    "incoherent_ergotropy",
    "coherent_ergotropy",
    "incoherent_capacity",
    "thermodynamic_bound",
    "standard_deviation",
    "spin_temperature",
    "correlation",
    "gibbs_fidelity",
    "gibbs_correlation",
    "fidelity",
    "trace_distance",
    "bures_angle",
    "negativity",
    "log_negativity",
    "conserving_ergotropy",
]


def _plain(matrix: Matrix) -> NDArray[np.complex128]:
    full = getattr(matrix, "full", None)
    array = np.asarray(full() if callable(full) else matrix)
    if array.ndim != 2:
        raise ValueError(f"a matrix has two dimensions, this has {array.ndim}")
    if array.dtype.kind not in "biufc":
        raise TypeError(f"expected a matrix of numbers, found {array.dtype}")
    return array.astype(np.complex128)


def purity(rho: Matrix) -> float:
    """The purity.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("purity", _plain(rho), [])


def entropy(rho: Matrix) -> float:
    """The von Neumann entropy, in bits.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("entropy", _plain(rho), [])


def linear_entropy(rho: Matrix) -> float:
    """The linear entropy d/(d-1) (1 - Tr[rho^2]): 0 for a pure state, 1 for the maximally mixed one.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("linear_entropy", _plain(rho), [])


def l1_coherence(rho: Matrix) -> float:
    """The l1 norm of coherence: the sum of the magnitudes of the off-diagonal elements.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("l1_coherence", _plain(rho), [])


def relative_entropy_coherence(rho: Matrix) -> float:
    """The relative entropy of coherence in the given basis, in bits.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("relative_entropy_coherence", _plain(rho), [])


def concurrence(rho: Matrix) -> float:
    """The concurrence of two qubits.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("concurrence", _plain(rho), [])


def discord(rho: Matrix) -> float:
    """The quantum discord of two qubits, in bits.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("discord", _plain(rho), [])


def classical_correlation(rho: Matrix) -> float:
    """The classical correlation of two qubits, in bits.

    Args:
        rho: a density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("classical_correlation", _plain(rho), [])


def energy(rho: Matrix, hamiltonian: Matrix) -> float:
    """The mean energy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("energy", _plain(rho), [_plain(hamiltonian)])


def passive_energy(rho: Matrix, hamiltonian: Matrix) -> float:
    """The energy of the passive state of the same spectrum.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("passive_energy", _plain(rho), [_plain(hamiltonian)])


def ergotropy(rho: Matrix, hamiltonian: Matrix) -> float:
    """The largest work that a unitary extracts.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("ergotropy", _plain(rho), [_plain(hamiltonian)])


def anti_ergotropy(rho: Matrix, hamiltonian: Matrix) -> float:
    """The largest energy that a unitary adds.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("anti_ergotropy", _plain(rho), [_plain(hamiltonian)])


def capacity(rho: Matrix, hamiltonian: Matrix) -> float:
    """Ergotropy and anti-ergotropy together.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("capacity", _plain(rho), [_plain(hamiltonian)])


def incoherent_ergotropy(rho: Matrix, hamiltonian: Matrix) -> float:
    """The ergotropy of the state dephased in the energy basis.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("incoherent_ergotropy", _plain(rho), [_plain(hamiltonian)])


def coherent_ergotropy(rho: Matrix, hamiltonian: Matrix) -> float:
    """What coherence adds to the incoherent ergotropy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("coherent_ergotropy", _plain(rho), [_plain(hamiltonian)])


def incoherent_capacity(rho: Matrix, hamiltonian: Matrix) -> float:
    """The capacity of the state dephased in the energy basis.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("incoherent_capacity", _plain(rho), [_plain(hamiltonian)])


def thermodynamic_bound(rho: Matrix, hamiltonian: Matrix) -> float:
    """The energy above that of the Gibbs state of the same entropy: a bound of the ergotropy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("thermodynamic_bound", _plain(rho), [_plain(hamiltonian)])


def standard_deviation(rho: Matrix, hamiltonian: Matrix) -> float:
    """The standard deviation of the energy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("standard_deviation", _plain(rho), [_plain(hamiltonian)])


def spin_temperature(rho: Matrix, hamiltonian: Matrix) -> float:
    """The temperature of the order in H: H/k_B at which a Gibbs state has it, to first order.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("spin_temperature", _plain(rho), [_plain(hamiltonian)])


def correlation(rho: Matrix, hamiltonian: Matrix) -> float:
    """The correlation of the deviation from the maximally mixed state with H.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("correlation", _plain(rho), [_plain(hamiltonian)])


def gibbs_fidelity(rho: Matrix, hamiltonian: Matrix) -> float:
    """The fidelity with the Gibbs state of equal energy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("gibbs_fidelity", _plain(rho), [_plain(hamiltonian)])


def gibbs_correlation(rho: Matrix, hamiltonian: Matrix) -> float:
    """The correlation of the deviation with that of the Gibbs state of equal energy.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("gibbs_correlation", _plain(rho), [_plain(hamiltonian)])


def fidelity(rho: Matrix, sigma: Matrix) -> float:
    """Uhlmann's fidelity, squared: 1 for equal states.

    Args:
        rho: a density matrix of shape (n, n).
        sigma: a second density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("fidelity", _plain(rho), [_plain(sigma)])


def trace_distance(rho: Matrix, sigma: Matrix) -> float:
    """Half of the trace norm of the difference.

    Args:
        rho: a density matrix of shape (n, n).
        sigma: a second density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("trace_distance", _plain(rho), [_plain(sigma)])


def bures_angle(rho: Matrix, sigma: Matrix) -> float:
    """The Bures angle, in radian.

    Args:
        rho: a density matrix of shape (n, n).
        sigma: a second density matrix of shape (n, n).

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("bures_angle", _plain(rho), [_plain(sigma)])


def negativity(rho: Matrix, dimensions: Sequence[int], sites: Sequence[int]) -> float:
    """The negativity between some subsystems and the others.

    Args:
        rho: a density matrix of shape (n, n).
        dimensions: levels of the subsystems; their product is n.
        sites: which of them are one side, from 0.

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("negativity", _plain(rho), [list(dimensions), list(sites)])


def log_negativity(rho: Matrix, dimensions: Sequence[int], sites: Sequence[int]) -> float:
    """The logarithmic negativity, in bits.

    Args:
        rho: a density matrix of shape (n, n).
        dimensions: levels of the subsystems; their product is n.
        sites: which of them are one side, from 0.

    Returns:
        A number.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("log_negativity", _plain(rho), [list(dimensions), list(sites)])


def conserving_ergotropy(rho: Matrix, hamiltonian: Matrix, operator: Matrix) -> float:
    """The largest work of unitaries that commute with an operator.

    Args:
        rho: a density matrix of shape (n, n).
        hamiltonian: a Hermitian matrix of shape (n, n), in any unit.
        operator: what is conserved, a Hermitian matrix of shape (n, n).

    Returns:
        A number; an energy is in the unit of the Hamiltonian.

    Raises:
        ValueError: if a matrix is not of the required kind, or the metric is undefined.
    """
    return _core.measure("conserving_ergotropy", _plain(rho), [_plain(hamiltonian), _plain(operator)])
