"""Quantum-battery experiments on NMR spectrometers: from a ``.seq`` file to ergotropy and capacity.

>>> import ergoseq
>>> seq = ergoseq.load("jeener_broekaert.seq")
>>> result = seq.run(tau="3.3 us")
>>> result["ergotropy"]["charged"]
>>> seq.sweep(tau=[2e-6, 3e-6, 4e-6]).ergotropy.sel(mark="charged").plot()
"""

from __future__ import annotations

from . import metrics
from ._core import __version__
from .errors import Diagnostic, ErgoseqError
from .sequence import Result, Sequence, Trace, load

__all__ = ["Diagnostic", "ErgoseqError", "Result", "Sequence", "Trace", "__version__", "load", "metrics"]
