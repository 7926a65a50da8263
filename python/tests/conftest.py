from __future__ import annotations

import os

# Before NumPy is imported: the matrices here are small, and a second thread makes their products ten times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from pathlib import Path

import pytest

import ergoseq

SEQUENCES = Path(__file__).resolve().parents[2] / "sequences"

PAIR = """ergoseq 1
units natural
title "A pair"
param T = 1, Omega = 1
system { spin a, b : 1/2 }
hamiltonian H = Z(a)*Z(b) - X(a)*X(b) - Y(a)*Y(b)
battery { energy = H }
sequence {
    prepare gibbs(H, T)
    evolve Omega * (X(a) + X(b)) for pi/(4*Omega) record 21 as charging
    mark charged
}
measure {
    ergotropy
    xi_max = max(ergotropy)
}
sweep T = 0.5, 1, 2
"""


@pytest.fixture
def pair() -> ergoseq.Sequence:
    return ergoseq.load(PAIR)


@pytest.fixture
def jeener_broekaert() -> ergoseq.Sequence:
    return ergoseq.load(SEQUENCES / "jeener_broekaert.seq")
