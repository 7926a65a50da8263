"""Programs as data: what `random_programs.py` writes as text and `independent.py` emulates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Twice the spin, and gamma in rad/s/T, from the table of isotopes in grammar.md.
ISOTOPES = {
    "1H": (1, 267.5221874e6),
    "13C": (1, 67.2828e6),
    "15N": (1, -27.1261804e6),
    "2H": (2, 41.0662791e6),
    "23Na": (3, 70.808493e6),
}
FIELD, TEMPERATURE = 9.4, 300.0
Array = np.ndarray[Any, Any]


@dataclass
class Member:
    """One member of the ensemble: its weight, its parameters, and how it differs."""

    weight: float = 1.0
    params: dict[str, float] = field(default_factory=dict)
    rf: dict[str, float] = field(default_factory=dict)
    offset: dict[str, float] = field(default_factory=dict)
    position: float = 0.0
    turn: tuple[float, float, float] | None = None
    scan: int = 0


@dataclass
class Quantity:
    """A number with its text: `value` in SI or natural units, times a parameter where one is named."""

    text: str
    value: float
    param: str | None = None

    def at(self, m: Member) -> float:
        return self.value * (m.params[self.param] if self.param else 1.0)


@dataclass
class Function:
    """A function of the time since a statement began; `edges` are its corners and jumps, `narrow` centres and widths of bumps."""

    text: str
    of: Callable[[Array], Array]
    edges: list[float] = field(default_factory=list)
    narrow: list[tuple[float, float]] = field(default_factory=list)


ONE = Function("1", lambda t: np.ones_like(t))


@dataclass
class Spin:
    name: str
    kind: str
    shift: float = 0.0
    csa: tuple[float, float, tuple[float, float, float]] | None = None
    quadrupole: tuple[float, float, tuple[float, float, float]] | None = None
    relax: tuple[float, float, float | None] | None = None  # T1, T2, polarisation

    @property
    def states(self) -> int:
        return ISOTOPES[self.kind][0] + 1

    @property
    def gamma(self) -> float:
        return ISOTOPES[self.kind][1]


@dataclass
class Coupling:
    """A scalar or dipolar coupling; `along` is the direction of a pair in the crystal."""

    kind: str
    a: int
    b: int
    size: Quantity
    along: tuple[float, float, float] | None = None


@dataclass
class Delay:
    time: Quantity
    record: tuple[str, int] | None = None


@dataclass
class Evolve:
    terms: list[tuple[Quantity, Function, Any]]  # coefficient, function, operator as a name or product
    time: Quantity
    internal: bool
    noise: bool
    record: tuple[str, int] | None = None


@dataclass
class Pulse:
    nucleus: str
    phase: Quantity
    rf: Quantity | None  # of finite pulses; otherwise an angle
    angle: Quantity | None
    time: Quantity | None
    shape: Function = field(default_factory=lambda: ONE)
    sweep: Function | None = None  # the phase that the shape itself turns by
    shape_text: str = ""
    offset: Quantity | None = None
    modulation: tuple[float, Function] | None = None
    cycle: str | None = None


@dataclass
class Lock:
    nucleus: str
    phase: Quantity
    start: Quantity
    stop: Quantity
    time: Quantity
    shape: str
    argument: float
    steps: int | None
    shape_text: str


@dataclass
class Parallel:
    align: str
    pulses: list[Pulse]


@dataclass
class Gradient:
    strength: float
    time: Quantity


@dataclass
class Acquire:
    nucleus: str
    points: int
    dwell: Quantity
    phase: float


@dataclass
class Loop:
    count: int
    body: list[Any]


@dataclass
class Crush:
    pass


@dataclass
class Dephase:
    operator: Any


@dataclass
class Mark:
    name: str


@dataclass
class Program:
    natural: bool
    spins: list[Spin]
    couplings: list[Coupling]
    state: Any  # "thermal", or a mixture: [(weight, [(amplitude, digits)])]
    steps: list[Any]
    collapse: list[tuple[float, Any]]  # rates with operators
    battery: list[tuple[float, Any]]
    watched: dict[str, Any]  # names of `measure` with operators
    members: list[Member] = field(default_factory=lambda: [Member()])
    cycles: dict[str, list[float]] = field(default_factory=dict)
    turned: tuple[float, float, float] | None = None
    spinning: float = 0.0
    text: str = ""
