"""The compiled part of the package."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__version__: str
METRICS: list[tuple[str, str, str, str]]
DRAWINGS: list[tuple[str, str]]

# A file that a program uses: its name as written, the file that names it, the name shown in messages, and its text.
UsedFile = tuple[str, str, str, str]

class Program:
    @staticmethod
    def compile(
        text: str,
        name: str,
        folder: str | None = None,
        files: list[UsedFile] | None = None,
        allowed: list[str] | None = None,
    ) -> Program: ...
    @property
    def title(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def files(self) -> list[UsedFile]: ...
    def origin(
        self,
        method: str = "auto",
        tolerance: float = 1e-7,
        spectrometer: str | None = None,
        typical: int = 0,
    ) -> list[tuple[str, str]]: ...
    def levels(self, given: dict[str, Any]) -> list[int]: ...
    @property
    def params(self) -> list[tuple[str, float, str]]: ...
    @property
    def measures(self) -> list[tuple[str, str]]: ...
    @property
    def time_unit(self) -> str: ...
    def axes(self, given: dict[str, Any]) -> list[tuple[list[str], list[list[float]]]]: ...
    def check(self, given: dict[str, Any], spectrometer: str | None = None) -> list[dict[str, Any]]: ...
    def run(
        self,
        given: dict[str, Any],
        method: str = "auto",
        tolerance: float = 1e-7,
        spectrometer: str | None = None,
        states: int = 0,
        typical: int = 0,
    ) -> Results: ...
    def run_many(
        self,
        points: list[dict[str, Any]],
        threads: int | None = None,
        method: str = "auto",
        tolerance: float = 1e-7,
        spectrometer: str | None = None,
        typical: int = 0,
    ) -> bytes: ...
    def numbers(self, axes: list[tuple[list[str], list[list[Any]]]]) -> list[tuple[list[str], list[list[float]]]]: ...
    def gathered(
        self, axes: list[tuple[list[str], list[list[float]]]], fixed: dict[str, Any], parts: list[bytes]
    ) -> Results: ...
    def plot(self, given: dict[str, Any], kind: str = "svg", what: list[str] = ...) -> bytes: ...
    def report(self, given: dict[str, Any]) -> str: ...

class Results:
    def __len__(self) -> int: ...
    def point(self, number: int) -> dict[str, Any]: ...
    def labelled(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]: ...

def read_text(path: str) -> str: ...
def measure(name: str, rho: ArrayLike | np.ndarray[Any, Any], others: list[Any]) -> float: ...
