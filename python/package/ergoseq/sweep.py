"""Sweeps: on the cores of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from . import _core
from .shard import damaged_or_results, shard_bytes

if TYPE_CHECKING:
    from .sequence import Sequence

Value: TypeAlias = float | int | str
"""A value of a parameter: a number in SI or natural units, or a text such as ``"3.3 us"``."""

Point: TypeAlias = "dict[str, Value]"
"""The parameters of a point."""

Axis: TypeAlias = "tuple[list[str], list[list[float]]]"
"""An axis of a sweep: the parameters that are swept together, and the values of each."""

_SECONDS_A_SHARD = 2.0
_MOST_OF_A_SHARD = 20_000
_MOST_POINTS = 2_000_000


def sweep(
    sequence: Sequence,
    params: Mapping[str, Iterable[Value]],
    fixed: Point,
    options: dict[str, Any],
    *,
    threads: int | None,
    client: Any,
    shard: int | None,
    resume: str | os.PathLike[str] | None,
    progress: bool,
) -> xr.Dataset:
    """Runs a grid of points and labels the results. ``Sequence.sweep`` documents it."""
    axes = _axes(sequence, params, fixed)
    total = math.prod(len(values[0]) for _, values in axes)
    if total > _MOST_POINTS:
        raise ValueError(f"a sweep of {total} points: more than {_MOST_POINTS} are not held at once; `ergoseq sweep` writes them to a file")
    points = [{**fixed, **point} for point in _grid(axes)]
    if not points:
        raise ValueError("a sweep of no points: every swept parameter needs at least one value")
    if shard is not None and shard < 1:
        raise ValueError(f"a shard has at least one point, not {shard}")
    # What was begun goes on with the shards it was begun with, whatever the machine would choose today.
    size = shard or _begun_with(resume) or _shard_size(sequence, points, options)
    shards = [points[k : k + size] for k in range(0, len(points), size)]
    store = _Store(resume, sequence, points, options, size) if resume is not None else None
    done: dict[int, bytes] = {}
    if store is not None:
        done = store.read(len(shards))
    left = [k for k in range(len(shards)) if k not in done]
    with _bar(progress, len(points), sum(len(shards[k]) for k in done)) as advance:
        work = _on_cluster(client, sequence, shards, left, options) if client is not None else _here(
            sequence, shards, left, options, threads
        )
        for k, results in work:
            if store is not None:
                store.write(k, results)
            done[k] = results
            advance(len(shards[k]))
    found = sequence._program.gathered(axes, fixed, [done[k] for k in range(len(shards))])
    return dataset(found, sequence._origin(options))


def dataset(found: _core.Results, origin: Mapping[str, str]) -> xr.Dataset:
    """Results as a dataset: the compiled part names every variable, its dimensions, coordinates and units."""
    data, coordinates, about = found.labelled()
    return xr.Dataset(data, coords=coordinates, attrs={**origin, **about})


def _axes(
    sequence: Sequence, params: Mapping[str, Iterable[Value]], fixed: Point
) -> list[Axis]:
    if params:
        for name, values in params.items():
            if isinstance(values, (str, int, float)):
                raise TypeError(f"`{name}` is swept over a list of values; `fixed` takes those that stay the same")
        given = [([name], [[_number(value) for value in values]]) for name, values in params.items()]
        return sequence._program.numbers(given)
    found = sequence._program.axes(dict(fixed))
    if not found:
        raise ValueError("the file has no sweep: give values, as in sweep(tau=[1e-6, 2e-6])")
    return found


def _grid(axes: list[Axis]) -> Iterator[Point]:
    for places in itertools.product(*(range(len(values[0])) for _, values in axes)):
        yield {
            name: column[place]
            for (names, values), place in zip(axes, places, strict=True)
            for name, column in zip(names, values, strict=True)
        }


def _number(value: Any) -> Value:
    # What comes from an array of NumPy is a number of its own kind.
    return value if isinstance(value, str) else float(value)


def _shard_size(sequence: Sequence, points: list[Point], options: dict[str, Any]) -> int:
    """Number of points that take about two seconds, from the time of one point."""
    begun = time.perf_counter()
    sequence._program.run_many([points[len(points) // 2]], 1, **options)
    each = time.perf_counter() - begun
    return int(min(max(_SECONDS_A_SHARD / max(each, 1e-6), 1), _MOST_OF_A_SHARD, math.ceil(len(points) / 4) or 1))


def _here(
    sequence: Sequence, shards: list[list[Point]], left: list[int], options: dict[str, Any], threads: int | None
) -> Iterator[tuple[int, bytes]]:
    for k in left:
        yield k, sequence._program.run_many(shards[k], threads, **options)


def _work(
    text: str, name: str, files: list[Any], version: str, points: list[Point], options: dict[str, Any]
) -> bytes:
    """A shard, on a worker."""
    if version != _core.__version__:
        raise RuntimeError(f"the worker has ergoseq {_core.__version__}, the client {version}: install the same")
    program = _core.Program.compile(text, name, None, files)
    # The worker decides how many of its tasks run at once; each takes one thread.
    return program.run_many(points, 1, **options)


def _on_cluster(
    client: Any, sequence: Sequence, shards: list[list[Point]], left: list[int], options: dict[str, Any]
) -> Iterator[tuple[int, bytes]]:
    distributed: Any = importlib.import_module("distributed")  # only where a cluster is given

    if getattr(client, "status", "closed") != "running":
        raise ValueError(f"the Dask client is {getattr(client, 'status', 'closed')}: connect it again")
    # At most so many are in flight that no worker waits, and a client that ends leaves little behind.
    window = max(4 * sum(client.nthreads().values()), 8)
    waiting = iter(left)
    files = sequence._program.files

    def submit(k: int) -> Any:
        return client.submit(
            _work, sequence.source, sequence.name, files, _core.__version__, shards[k], options,
            key=f"ergoseq-{_digest(sequence, shards[k], options)}-{k}", retries=3, pure=True,
        )

    futures = {submit(k): k for k in itertools.islice(waiting, window)}
    pool = distributed.as_completed(list(futures))
    try:
        for future in pool:
            k = futures.pop(future)
            results = future.result()
            future.release()
            following = next(waiting, None)
            if following is not None:
                more = submit(following)
                futures[more] = following
                pool.add(more)
            yield k, results
    finally:
        client.cancel(list(futures))


def _digest(sequence: Sequence, points: list[Point], options: dict[str, Any]) -> str:
    """A fingerprint of everything that determines the results of some points."""
    told = json.dumps([sequence._origin(options), points], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _begun_with(folder: str | os.PathLike[str] | None) -> int | None:
    """Points per shard of the sweep that is stored in a folder."""
    if folder is None:
        return None
    try:
        with open(os.path.join(os.fspath(folder), "sweep.json"), encoding="utf-8") as file:
            size = int(json.load(file)["shard"])
            if size < 1:
                raise ValueError("a shard has at least one point")
            return size
    except FileNotFoundError:
        return None
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as why:
        raise ValueError(f"`{os.fspath(folder)}` has a sweep.json that does not belong to a sweep") from why


class _Store:
    """A folder with one file per shard. It records the version, program with its files, grid and options it belongs to."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        sequence: Sequence,
        points: list[Point],
        options: dict[str, Any],
        size: int,
    ) -> None:
        self.folder = os.fspath(folder)
        os.makedirs(self.folder, exist_ok=True)
        self.about: dict[str, Any] = {"of": _digest(sequence, points, options), "points": len(points)}
        path = os.path.join(self.folder, "sweep.json")
        try:
            with open(path, encoding="utf-8") as file:
                kept = json.load(file)
        except FileNotFoundError:
            kept = {**self.about, "shard": size}
            _write(path, json.dumps(kept).encode())
        if {k: kept.get(k) for k in self.about} != self.about:
            raise ValueError(
                f"`{self.folder}` belongs to another sweep: another version, program, used file, grid or option"
            )
        if kept.get("shard") != size:
            raise ValueError(f"`{self.folder}` was begun with shards of {kept.get('shard')} points: give shard={kept.get('shard')}")

    def read(self, shards: int) -> dict[int, bytes]:
        """The existing shards, without damaged shards and shards of other sweeps."""
        done: dict[int, bytes] = {}
        for k in range(shards):
            try:
                with open(os.path.join(self.folder, f"{k}.shard"), "rb") as file:
                    results = damaged_or_results(file.read(), self.about["of"], k)
            except FileNotFoundError:
                continue
            if results is not None:
                done[k] = results
        return done

    def write(self, k: int, results: bytes) -> None:
        """Stores a shard: writes a temporary file, then renames it."""
        _write(os.path.join(self.folder, f"{k}.shard"), shard_bytes(results, self.about["of"], k))


def _write(path: str, data: bytes) -> None:
    # A unique name, so that no existing file or link is followed or overwritten.
    beside = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    with open(beside, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


class _bar:  # noqa: N801  used as a function
    """A tqdm progress bar, or nothing."""

    def __init__(self, shown: bool, points: int, done: int) -> None:
        self._bar: Any = None
        if shown:
            tqdm: Any = importlib.import_module("tqdm.auto")  # only where it is wanted
            self._bar = tqdm.tqdm(total=points, initial=done, unit="point")

    def __enter__(self) -> Any:
        return self._bar.update if self._bar is not None else lambda _: None

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
