"""Heat, work, entropy production and steady states beside qthermo, on random open systems."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import ergoseq

qthermo = pytest.importorskip("qthermo")

Array = NDArray[np.complex128]

# A qubit relaxes in a bath, is turned, and relaxes again.
STROKES = """ergoseq 1
units natural
param w = 1, g = 0.1, d = 0, T = 1, theta = 1, first = 1, second = 1, p = 0.5, a = 1, b = 1, c = 0
param n = 1/(exp(w/T) - 1)
system { spin s : 1/2 }
noise bath {
    collapse sqrt(g*(1 + n)) * Im(s)
    collapse sqrt(g*n) * Ip(s)
    collapse sqrt(d/2) * Z(s)
}
battery { energy = w * Iz(s) }
sequence {
    prepare mix(p: superposition(a: up(s), b phase c: down(s)), 1 - p: down(s))
    evolve w * Iz(s) for first with bath
    mark relaxed
    evolve theta * Ix(s) for 1
    mark turned
    evolve w * Iz(s) for second with bath
}
measure {
    heat
    work
    energy
    entropy_production(T)
}
"""

# Two coupled qubits between two baths; the battery's energy leaves the coupling out.
PAIR = """ergoseq 1
units natural
param u = 1, v = 1, J = 0.3, k = 0.1, g = 0.1, h = 0.1, T = 1, U = 2, time = 1
param n = 1/(exp(u/T) - 1), m = 1/(exp(v/U) - 1)
system { spin a, b : 1/2 }
hamiltonian H = u*Iz(a) + v*Iz(b) + J*X(a)*X(b) + k*Z(a)*Z(b)
noise baths {
    collapse sqrt(g*(1 + n)) * Im(a)
    collapse sqrt(g*n) * Ip(a)
    collapse sqrt(h*(1 + m)) * Im(b)
    collapse sqrt(h*m) * Ip(b)
}
battery { energy = u*Iz(a) + v*Iz(b) }
sequence {
    prepare steady_state(H, baths)
    mark steady
    evolve H for time with baths
}
measure {
    heat
    work
    energy
}
"""

X = np.array([[0, 1], [1, 0]], dtype=complex)
Z = np.diag([1.0, -1.0]).astype(complex)


def test_strokes_of_700_random_qubits() -> None:
    rng = np.random.default_rng(20)
    sequence = ergoseq.load(STROKES)
    for _ in range(700):
        w, g, t = rng.uniform(0.3, 2), rng.uniform(0.02, 0.5), rng.uniform(0.2, 3)
        d = rng.uniform(0, 0.3) * rng.integers(0, 2)
        theta, first, second = rng.uniform(-3, 3), rng.uniform(0.1, 1.5), rng.uniform(0.1, 1.5)
        p, a, b, c = rng.uniform(0, 1), rng.uniform(0.1, 1), rng.uniform(0.1, 1), rng.uniform(-3, 3)
        found = sequence.run(w=w, g=g, d=d, T=t, theta=theta, first=first, second=second, p=p, a=a, b=b, c=c)
        # The upper level is the second state of qthermo, and the first of ergoseq.
        h = qthermo.qubit_hamiltonian(w)
        bath = [*qthermo.thermal_bath(g, w, t), *qthermo.pure_dephasing(d)]
        psi = np.array([b * np.exp(1j * c), a]) / np.hypot(a, b)
        rho = p * np.outer(psi, psi.conj()) + (1 - p) * np.diag([1, 0])
        one = qthermo.evolve(rho, h, bath, duration=first, steps=1, rtol=1e-11, atol=1e-13)
        turn = np.cos(theta / 2) * np.eye(2) - 1j * np.sin(theta / 2) * X
        before = one["states"][-1]
        after = turn @ before @ turn.conj().T
        two = qthermo.evolve(after, h, bath, duration=second, steps=1, rtol=1e-11, atol=1e-13)
        work = qthermo.internal_energy(after, h) - qthermo.internal_energy(before, h)
        heat = one["heat"] + two["heat"]
        # qthermo integrates to 1e-11 a step, and ergoseq is exact.
        assert found["heat"]["relaxed"] == pytest.approx(one["heat"], abs=1e-9)
        assert found["heat"]["turned"] == found["heat"]["relaxed"]
        assert found["heat"]["end"] == pytest.approx(heat, abs=1e-9)
        assert found["work"]["relaxed"] == pytest.approx(one["work"], abs=1e-9)
        assert found["work"]["end"] == pytest.approx(work + one["work"] + two["work"], abs=1e-9)
        # The entropy of a nearly pure state is ln(r) times less accurate than its smallest eigenvalue r.
        production = qthermo.entropy_production(rho, two["states"][-1], heat, t)
        assert found["entropy_production(T)"]["end"] == pytest.approx(production, abs=1e-8)
        assert production > 0


def test_300_random_pairs_between_two_baths() -> None:
    rng = np.random.default_rng(21)
    sequence = ergoseq.load(PAIR)
    one = np.eye(2)
    for _ in range(300):
        u, v, j, k = rng.uniform(0.5, 2), rng.uniform(0.5, 2), rng.uniform(0.05, 0.6), rng.uniform(-0.3, 0.3)
        g, h, cold, hot = rng.uniform(0.02, 0.4), rng.uniform(0.02, 0.4), rng.uniform(0.2, 1), rng.uniform(1, 3)
        time = rng.uniform(0.5, 20)
        found = sequence.run(u=u, v=v, J=j, k=k, g=g, h=h, T=cold, U=hot, time=time)
        up_a, up_b = 0.5 * u * np.kron(Z, one), 0.5 * v * np.kron(one, Z)
        hamiltonian = up_a + up_b + j * np.kron(X, X) + k * np.kron(Z, Z)
        baths = [
            qthermo.local_bath(0.5 * u * Z, X, cold, 0, [2, 2], gamma=g),
            qthermo.local_bath(0.5 * v * Z, X, hot, 1, [2, 2], gamma=h),
        ]
        rho = qthermo.steady_state(hamiltonian, baths)
        assert np.abs(found.state("steady") - rho).max() < 1e-10
        current = sum(bath.heat_current(rho, up_a + up_b) for bath in baths)
        assert found["heat"]["end"] == pytest.approx(current * time, abs=1e-9)
        # What the baths bring into the local Hamiltonians leaves them again through the coupling.
        assert found["work"]["end"] == pytest.approx(-current * time, abs=1e-9)
