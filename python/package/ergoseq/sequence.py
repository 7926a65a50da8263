"""Sequences and their runs."""

from __future__ import annotations

import functools
import html
import importlib
import inspect
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import _core
from .errors import Diagnostic
from .sweep import Value, dataset, sweep

__all__ = ["Result", "Sequence", "Trace", "load"]

_LARGEST_STATE = 4096


def load(
    source: str | os.PathLike[str],
    *,
    folder: str | os.PathLike[str] | None = None,
    allow_path: Iterable[str | os.PathLike[str]] = (),
) -> Sequence:
    """Reads and checks a sequence.

    Args:
        source: the path of a ``.seq`` file, or its text (recognised by more than one line).
        folder: the folder of the files that a text includes with ``use`` or ``shape``.
        allow_path: folders in which such files may lie, in addition to that of the program and those below it.

    Returns:
        The sequence.

    Raises:
        ErgoseqError: if the program has errors; it lists all of them.
        OSError: if the file cannot be read.
    """
    if isinstance(allow_path, (str, bytes, os.PathLike)):
        raise TypeError("`allow_path` is a list of folders")
    allowed = [os.fspath(path) for path in allow_path]
    if isinstance(source, str) and "\n" in source:
        program = _core.Program.compile(source, "<text>", None if folder is None else os.fspath(folder), None, allowed)
        return Sequence(program, source, "<text>")
    path = os.fspath(source)
    text = _core.read_text(path)
    where = os.fspath(folder) if folder is not None else os.path.dirname(os.path.abspath(path))
    return Sequence(_core.Program.compile(text, path, where, None, allowed), text, path)


_Method = TypeVar("_Method", bound=Callable[..., Any])


def _takes_parameters(method: _Method) -> _Method:
    """A method with options and parameters as keywords; a keyword that is both raises a ``TypeError``."""
    kinds = inspect.signature(method).parameters.values()
    options = [p.name for p in kinds if p.kind is p.KEYWORD_ONLY]

    @functools.wraps(method)
    def checked(self: Sequence, *args: Any, **given: Any) -> Any:
        _refuse_clashes(method.__name__, options, self, given)
        return method(self, *args, **given)

    return checked  # type: ignore[return-value]


def _refuse_clashes(method: str, options: list[str], sequence: Sequence, given: Mapping[str, Any]) -> None:
    params = given.get("params")
    inside: Mapping[str, Any] = params if isinstance(params, Mapping) else {}
    declared = sequence.params
    for name in given:
        if name in options and name in declared and name not in inside:
            raise TypeError(
                f"`{name}` is an option of `{method}` and a parameter of the file: "
                f"give the parameter as params={{{name!r}: ...}}"
            )
    if params is not None and not isinstance(params, Mapping):
        raise TypeError(f"`params` must be a dictionary of parameters, not {params!r}")
    for name in inside:
        if name in given and name not in options:
            raise TypeError(f"`{name}` is given twice: as a keyword and in `params`")


class Trace(Mapping[str, NDArray[np.float64]]):
    """A recorded curve: results over time, by the keys of ``measure``.

    Attributes:
        name: its name.
        start: the time since ``prepare`` at which it begins, s (or natural).
        time: times since its statement began, shape (n,).
    """

    def __init__(self, name: str, start: float, time: NDArray[np.float64], values: dict[str, Any]) -> None:
        self.name = name
        self.start = start
        self.time = time
        self._values: dict[str, NDArray[np.float64]] = values

    def __getitem__(self, key: str) -> NDArray[np.float64]:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<trace {self.name}: {len(self.time)} samples of {', '.join(self._values)}>"


class Result(Mapping[str, Any]):
    """The results of a run.

    ``result["xi_max"]`` is a scalar of the whole run, ``result["ergotropy"]`` a dictionary by marks, ``result.traces["charging"]``
    a curve and ``result.state("charged")`` a density matrix. Undefined values are NaN.

    Attributes:
        params: every parameter with its value, SI or natural units.
        marks: the names of the marks in order; the last is ``end``.
        times: the times of the marks since ``prepare``, shape (marks,).
        traces: recorded curves by name.
        notes: what the emulator has to say.
        methods: how it was computed.
        duration: the time from ``prepare`` to the end.
    """

    def __init__(self, found: _core.Results, sequence: Sequence, options: Mapping[str, Any]) -> None:
        told = found.point(0)
        self._found = found
        self.params: dict[str, float] = dict(told["params"])
        self._summary: dict[str, float] = told["summary"]
        self.marks: list[str] = [name for name, *_ in told["marks"]]
        self.times: NDArray[np.float64] = np.array([time for _, time, *_ in told["marks"]])
        self._at: dict[str, dict[str, float]] = {name: values for name, _, values, _ in told["marks"]}
        self._states: dict[str, NDArray[np.complex128] | None] = {name: state for name, _, _, state in told["marks"]}
        self.traces: dict[str, Trace] = {t[0]: Trace(*t) for t in told["traces"]}
        self.notes: list[str] = told["notes"]
        self.methods: list[str] = told["methods"]
        self.duration: float = told["duration"]
        self._sequence = sequence
        self._options = dict(options)

    def __getitem__(self, key: str) -> Any:
        if key in self._summary:
            return self._summary[key]
        found = {mark: values[key] for mark, values in self._at.items() if key in values}
        if not found:
            raise KeyError(f"unknown result {key!r}; results are {', '.join(self)}")
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._summary
        yield from next(iter(self._at.values()), {})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def state(self, mark: str = "end") -> NDArray[np.complex128]:
        """The density matrix at a mark, shape (n, n), on the product space of all subsystems in the order of the file.

        If the sequence was run without ``states=True``, the first call runs it again.

        Raises:
            KeyError: if there is no such mark.
            ValueError: if the system has more than 4096 states.
        """
        if mark not in self._states:
            raise KeyError(f"unknown mark {mark!r}; marks are {', '.join(self.marks)}")
        if self._states[mark] is None:
            again = self._sequence._run(self.params, {**self._options, "states": _LARGEST_STATE})
            self._states = {name: state for name, _, _, state in again.point(0)["marks"]}
        state = self._states[mark]
        if state is None:
            raise ValueError(f"the system has more than {_LARGEST_STATE} states, or they stand for many: no matrix is kept")
        return state

    def qobj(self, mark: str = "end", dims: list[int] | None = None) -> Any:
        """The same as a QuTiP ``Qobj``.

        Args:
            mark: the mark.
            dims: the dimensions of the tensor factors; default: those of the declared subsystems, in the order of the file.

        Raises:
            ValueError: if the product of ``dims`` is not the dimension of the state.
        """
        qutip: Any = importlib.import_module("qutip")  # a large package, which few runs need
        state = self.state(mark)
        if dims is None:
            dims = self._sequence._program.levels(self.params)
        if math.prod(dims) != state.shape[0]:
            raise ValueError(f"dims={dims} have a product of {math.prod(dims)}, the state has {state.shape[0]} levels")
        return qutip.Qobj(state, dims=[dims, dims])

    def to_xarray(self) -> xr.Dataset:
        """The run as a dataset: results at marks over ``mark``, curves over ``NAME_sample``, with units and the program."""
        return dataset(self._found, self._sequence._origin(self._options))

    def __repr__(self) -> str:
        lines = [f"{self._sequence.title or self._sequence.name}: {', '.join(self.methods)}"]
        lines += [f"  {key} = {value:.6g}" for key, value in self._summary.items()]
        for mark, values in self._at.items():
            lines.append(f"  at {mark}: " + ", ".join(f"{k} = {v:.6g}" for k, v in values.items()))
        return "\n".join(lines)


class Sequence:
    """A checked sequence, as returned by ``load``.

    Attributes:
        name: the path, or ``<text>``.
        source: the program.
    """

    def __init__(self, program: _core.Program, text: str, name: str) -> None:
        self._program = program
        self.name = name
        self.source = text

    def __reduce__(self) -> tuple[Any, tuple[str, str, list[tuple[str, str, str, str]]]]:
        # The texts of all files travel along: what is on the disk now, or on another machine, may differ.
        return (_again, (self.source, self.name, self._program.files))

    @property
    def title(self) -> str:
        """The title of the file."""
        return self._program.title

    @property
    def params(self) -> dict[str, tuple[float, str]]:
        """The parameters: default value in SI or natural units, and its unit."""
        return {name: (value, unit) for name, value, unit in self._program.params}

    @property
    def measures(self) -> dict[str, str]:
        """The results: key and unit."""
        return dict(self._program.measures)

    @property
    def time_unit(self) -> str:
        """The unit of times: ``s``, or empty in natural units."""
        return self._program.time_unit

    @_takes_parameters
    def check(
        self, *, spectrometer: str | None = None, params: Mapping[str, Value] | None = None, **more: Value
    ) -> list[Diagnostic]:
        """Reports errors and warnings without running: values out of range, pulses above their limits, limits of a spectrometer.

        Args:
            spectrometer: a ``spectrometer`` that the file declares; its rounding gives warnings.
            params: values of parameters by name: numbers in SI or natural units, or texts such as ``"3.3 us"``.
            **more: the same as keywords. A parameter with the name of an option must be given in ``params``.

        Returns:
            Warnings.

        Raises:
            ErgoseqError: if there is an error.
        """
        return [Diagnostic(one) for one in self._program.check({**(params or {}), **more}, spectrometer)]

    @_takes_parameters
    def run(
        self,
        *,
        method: str = "auto",
        tolerance: float = 1e-7,
        spectrometer: str | None = None,
        states: bool = False,
        typical: int = 0,
        params: Mapping[str, Value] | None = None,
        **more: Value,
    ) -> Result:
        """Emulates the sequence at one point. The GIL is released during the run, and Ctrl-C interrupts it.

        Args:
            method: ``"auto"``, ``"dop853"`` or ``"plain"``.
            tolerance: tolerance of adaptive methods, on the state.
            spectrometer: a ``spectrometer`` that the file declares: its resolution and limits apply.
            states: keep the density matrices at the marks, for systems of up to 4096 states.
            typical: number of random vectors instead of a density matrix (quantum typicality): signals, energies and spin order of many spins at
                high temperature. The notes contain their standard errors.
            params: values of parameters by name: numbers in SI or natural units, or texts such as ``"3.3 us"``.
            **more: the same as keywords. A parameter with the name of an option must be given in ``params``.

        Raises:
            ErgoseqError: if it cannot be run.
            TypeError: if a keyword is both an option and a parameter of the file.
        """
        options = {
            "method": method,
            "tolerance": tolerance,
            "spectrometer": spectrometer,
            "states": _LARGEST_STATE if states else 0,
            "typical": typical,
        }
        return Result(self._run({**(params or {}), **more}, options), self, options)

    def _run(self, params: Mapping[str, Value], options: Mapping[str, Any]) -> _core.Results:
        return self._program.run(dict(params), **options)

    def _origin(self, options: Mapping[str, Any]) -> dict[str, str]:
        """The origin of the results: the attributes of a file of ``ergoseq sweep``."""
        return dict(self._program.origin(**{k: v for k, v in options.items() if k != "states"}))

    @_takes_parameters
    def sweep(
        self,
        *,
        fixed: Mapping[str, Value] | None = None,
        threads: int | None = None,
        method: str = "auto",
        tolerance: float = 1e-7,
        spectrometer: str | None = None,
        typical: int = 0,
        client: Any = None,
        shard: int | None = None,
        resume: str | os.PathLike[str] | None = None,
        progress: bool = False,
        params: Mapping[str, Iterable[Value]] | None = None,
        **more: Iterable[Value],
    ) -> xr.Dataset:
        """Emulates the sequence over a grid of parameters; default: the sweeps of the file.

        Args:
            fixed: parameters that are the same at all points.
            threads: number of threads; default: all cores. Results do not depend on it.
            method: as for ``run``.
            tolerance: as for ``run``.
            spectrometer: as for ``run``.
            typical: as for ``run``.
            client: a ``dask.distributed.Client``: its workers compute the points, in shards.
            shard: points per shard; default: about two seconds of work.
            resume: a folder in which every finished shard is stored: existing shards are not recomputed. A folder that
                belongs to another version, program, included file, shape, option or grid is rejected; a damaged shard is recomputed.
            progress: show a tqdm progress bar.
            params: values of each swept parameter, in the order of the axes: numbers in SI or natural units, or texts.
            **more: the same as keywords, after those of ``params``. A parameter with the name of an option must be given in
                ``params``.

        Returns:
            A dataset with one dimension per parameter (and ``mark``, ``NAME_sample``), units, ``status`` (0, or the number of the
            error: 404 for E404) and the program as attributes. The values of a failed point are NaN.

        Raises:
            ErgoseqError: if every point fails for the same reason.
            ValueError: where the sweep has no points.
        """
        options = {"method": method, "tolerance": tolerance, "spectrometer": spectrometer, "typical": typical}
        return sweep(
            self, {**(params or {}), **more}, dict(fixed or {}), options, threads=threads, client=client, shard=shard, resume=resume,
            progress=progress,
        )

    @_takes_parameters
    def plot(
        self, *what: str, kind: str = "svg", params: Mapping[str, Value] | None = None, **more: Value
    ) -> Picture:
        """A plot of the results, or one of the diagrams ``sequence``, ``levels``, ``hinton``, ``city``, ``bloch``,
        ``orders`` or ``tomography``.

        Args:
            *what: results to plot; default: all.
            kind: ``"svg"``, ``"png"`` or ``"pdf"``.
            params: values of parameters by name: numbers in SI or natural units, or texts such as ``"3.3 us"``.
            **more: the same as keywords. A parameter with the name of an option must be given in ``params``.

        Returns:
            The plot, which notebooks display; ``.save(path)`` writes it.
        """
        return Picture(self._program.plot({**(params or {}), **more}, kind, list(what)), kind)

    @_takes_parameters
    def report(self, *, params: Mapping[str, Value] | None = None, **more: Value) -> Report:
        """The report page: notebooks display it, ``.save(path)`` writes it. Parameters as for ``run``."""
        return Report(self._program.report({**(params or {}), **more}))

    def __repr__(self) -> str:
        return f"<ergoseq sequence {self.title or self.name}: {', '.join(self.params) or 'no parameters'}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{value:g} {html.escape(unit)}</td></tr>"
            for name, (value, unit) in self.params.items()
        )
        picture = self._program.plot({}, "svg", ["sequence"]).decode()
        return f"<h4>{html.escape(self.title or self.name)}</h4>{picture}<table>{rows}</table>"


def _again(text: str, name: str, files: list[tuple[str, str, str, str]]) -> Sequence:
    return Sequence(_core.Program.compile(text, name, None, files), text, name)


class Picture:
    """A picture: ``data`` are its bytes, ``kind`` is svg, png or pdf."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.data = data
        self.kind = kind

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file."""
        with open(path, "wb") as file:
            file.write(self.data)

    def _repr_svg_(self) -> str | None:
        return self.data.decode() if self.kind == "svg" else None

    def _repr_png_(self) -> bytes | None:
        return self.data if self.kind == "png" else None


class Report:
    """A page: ``page`` is its HTML."""

    def __init__(self, page: str) -> None:
        self.page = page

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to a file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.page)

    def _repr_html_(self) -> str:
        # An iframe keeps the styles of the page separate from those of the notebook.
        return f'<iframe srcdoc="{html.escape(self.page)}" width="100%" height="800" style="border:0"></iframe>'
