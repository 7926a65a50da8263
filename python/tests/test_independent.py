"""Random programs: the package against the second emulator of `independent.py`.

`ERGOSEQ_CASES=N` compares N programs in the place of the usual number, `ERGOSEQ_SEED=K` begins at the K-th.
"""

from __future__ import annotations

import os

import ergoseq
import numpy as np
import pytest

from .independent import Results, emulate
from .random_programs import draw

FIRST = int(os.environ.get("ERGOSEQ_SEED", "0"))
CASES = int(os.environ.get("ERGOSEQ_CASES", "300"))

# Both emulators hold their adaptive methods to 1e-9 in a step; a program has some hundred steps. What is linear in the state is
# compared with the largest deviation from the maximally mixed state, which is 1e-5 in the laboratory.
AGREE = 3e-6


def differences(program_seed: int) -> list[str]:
    program = draw(program_seed)
    run = ergoseq.load(program.text).run(tolerance=1e-9)
    expected = emulate(program)
    found: list[str] = []
    stretched = len({m.params["P"] for m in program.members}) > 1
    for mark, values in expected.marks.items():
        for key, value in values.items():
            found += compared(f"{key} at {mark}", key, value, run[key][mark], expected)
    for name, curves in expected.traces.items():
        trace = run.traces[name]
        if not stretched:
            found += [f"times of {name}"] if not np.allclose(trace.time, curves["time"], rtol=1e-9) else []
        for part in trace:
            # The receiver is tuned to one nucleus; the second emulator has the signals of all.
            curve = curves[part.replace("signal_im", "signal")]
            wanted = curve.imag if part.startswith("signal_im") else curve.real
            for k, (x, y) in enumerate(zip(wanted, trace[part], strict=True)):
                found += compared(f"{part} at {k} of {name}", part, float(x), float(y), expected)
    return found


def compared(where: str, key: str, wanted: float, value: float, expected: Results) -> list[str]:
    # Energies are as large as the battery's width times the deviation; purity and entropy have rounding errors of their own.
    scale = expected.deviation * (expected.energy if key in ("energy", "ergotropy", "capacity") else 1.0)
    rounding = {"purity": 1e-10, "entropy": 1e-11}.get(key, 0.0)
    near = abs(wanted - value) <= AGREE * (1.0 if key == "entropy" else scale) + rounding
    return [] if near else [f"{where} is {value}, expected {wanted}"]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + CASES))
def test_a_random_program(seed: int) -> None:
    found = differences(seed)
    assert not found, f"{len(found)} values differ, first: {found[0]}\n{draw(seed).text}"
