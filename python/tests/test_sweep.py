"""Sweeps here and on a cluster, interrupted and resumed."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ergoseq

TAUS = list(np.linspace(1e-6, 8e-6, 12))
ANGLES = ["30 deg", "60 deg", "90 deg"]


def test_a_grid_is_labelled(jeener_broekaert: ergoseq.Sequence) -> None:
    data = jeener_broekaert.sweep(tau=TAUS, theta=ANGLES, fixed={"rf": "100 kHz"})
    assert data.ergotropy.dims == ("tau", "theta", "mark")
    assert data.ergotropy.attrs["units"] == "J" and data.tau.attrs["units"] == "s"
    assert np.allclose(data.theta, np.radians([30, 60, 90]))
    assert data.attrs["source"].startswith("#") and int(data.status.sum()) == 0
    assert data.attrs["source_sha256"] == hashlib.sha256(jeener_broekaert.source.encode()).hexdigest()
    one = jeener_broekaert.run(tau=TAUS[3], theta="60 deg", rf=1e5)
    assert float(data.ergotropy.sel(tau=TAUS[3], mark="charged").isel(theta=1)) == one["ergotropy"]["charged"]
    # Any number of threads and any shards give the same bits.
    again = jeener_broekaert.sweep(tau=TAUS, theta=ANGLES, fixed={"rf": "100 kHz"}, threads=1, shard=5)
    assert data.equals(again)


def test_the_sweep_of_the_file(pair: ergoseq.Sequence) -> None:
    data = pair.sweep()
    assert list(data["T"].values) == [0.5, 1.0, 2.0]
    assert data["charging.ergotropy"].dims == ("T", "charging_sample")
    assert np.allclose(data["charging.ergotropy"].max("charging_sample"), data.xi_max)


def test_a_point_that_fails_stops_no_other(pair: ergoseq.Sequence) -> None:
    data = pair.sweep(T=[1.0, -1.0, 2.0])
    assert list(data.status.values > 0) == [False, True, False]
    assert np.isnan(data.xi_max.values[1]) and not np.isnan(data.xi_max.values[2])
    assert "E" in data.attrs["failed"]
    with pytest.raises(ValueError, match="every point failed"):
        pair.sweep(T=[-1.0, -2.0])


def test_sweeps_of_nothing_are_refused(pair: ergoseq.Sequence, jeener_broekaert: ergoseq.Sequence) -> None:
    with pytest.raises(ValueError, match="no points"):
        pair.sweep(T=[])
    with pytest.raises(TypeError, match="swept over a list"):
        pair.sweep(T=1.0)  # type: ignore[arg-type]
    bare = ergoseq.load(pair.source.replace("sweep T = 0.5, 1, 2", ""))
    with pytest.raises(ValueError, match="the file has no sweep"):
        bare.sweep()


def test_a_folder_goes_on_where_it_was(jeener_broekaert: ergoseq.Sequence, tmp_path: Path) -> None:
    whole = jeener_broekaert.sweep(tau=TAUS, shard=2)
    folder = tmp_path / "parts"
    jeener_broekaert.sweep(tau=TAUS, shard=2, resume=folder)
    kept = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    (folder / "3.shard").unlink()
    (folder / "4.shard").write_bytes(b"half of a")
    # The shards are those it was begun with, where none are given.
    again = jeener_broekaert.sweep(tau=TAUS, resume=folder)
    assert whole.equals(again)
    for name, at in kept.items():
        same = (folder / name).stat().st_mtime_ns == at
        assert same == (name not in ("3.shard", "4.shard")), name
    with pytest.raises(ValueError, match="belongs to another sweep"):
        jeener_broekaert.sweep(tau=TAUS[:-1], shard=2, resume=folder)
    with pytest.raises(ValueError, match="give shard=2"):
        jeener_broekaert.sweep(tau=TAUS, shard=3, resume=folder)
    with pytest.raises(ValueError, match="at least one point"):
        jeener_broekaert.sweep(tau=TAUS, shard=0)
    (folder / "sweep.json").write_text("[]")
    with pytest.raises(ValueError, match="does not belong to a sweep"):
        jeener_broekaert.sweep(tau=TAUS, resume=folder)


DEPENDENT = """ergoseq 1
units natural
param T = 1, Omega = 1
param time = pi*T
system { spin a : 1/2 }
battery { energy = Z(a) }
sequence { prepare gibbs(Z(a), T)
    evolve Omega * X(a) for time record 4 as charging }
measure { energy, purity
    twice = 2*energy
    highest = max(energy) }
"""


def test_names_dimensions_and_units_are_those_of_the_layout(jeener_broekaert: ergoseq.Sequence) -> None:
    data = ergoseq.load(DEPENDENT).sweep(T=[-1.0, 0.5, 1.0])
    assert {name: value.dims for name, value in data.data_vars.items()} == {
        "time": ("T",),
        "status": ("T",),
        "highest": ("T",),
        "energy": ("T", "mark"),
        "purity": ("T", "mark"),
        "twice": ("T", "mark"),
        "charging.time": ("T", "charging_sample"),
        "charging.energy": ("T", "charging_sample"),
        "charging.purity": ("T", "charging_sample"),
        "charging.twice": ("T", "charging_sample"),
    }
    assert {name: value.dims for name, value in data.coords.items()} == {
        "T": ("T",),
        "mark": ("mark",),
        "mark_time": ("T", "mark"),
    }
    # The first point fails; a parameter that follows the swept one is a variable, the other one holds everywhere.
    assert data.status.dtype == np.int16 and list(data.status.values > 0) == [True, False, False]
    assert np.array_equal(data["time"].values, [np.nan, 0.5 * np.pi, np.pi], equal_nan=True)
    assert data.attrs["parameters"] == "Omega = 1"
    assert np.isnan(data["charging.energy"].values[0]).all() and not np.isnan(data["charging.energy"].values[1:]).any()
    assert data.purity.attrs["units"] == "" and data.purity.attrs["expression"] == "purity"
    lab = jeener_broekaert.sweep(tau=TAUS[:2])
    assert lab.mark_time.attrs["units"] == "s" and "ergotropy" in lab.ergotropy.attrs["expression"]
    # One point has the same, without the swept dimension, and its times as `time`.
    one = ergoseq.load(DEPENDENT).run(T=0.5).to_xarray()
    assert one.energy.dims == ("mark",) and one["charging.energy"].dims == ("charging_sample",)
    assert "status" not in one and one.highest.dims == () and float(one.highest) == float(data.highest[1])
    assert np.array_equal(one["charging.energy"], data["charging.energy"][1])
    assert one.coords["time"].dims == ("mark",) and one.attrs["parameters"].startswith("T = 0.5; Omega = 1; time = ")


def test_points_of_different_length_are_no_array() -> None:
    ragged = ergoseq.load(DEPENDENT.replace("record 4", "record n").replace("Omega = 1", "Omega = 1, n = 4"))
    with pytest.raises(ValueError, match=r"`charging.time` has 5 values here and 4 at other points"):
        ragged.sweep(n=[4, 5])


def test_netcdf_of_the_command_and_of_python_agree(jeener_broekaert: ergoseq.Sequence, tmp_path: Path) -> None:
    data = jeener_broekaert.sweep(tau=TAUS)
    data.to_netcdf(tmp_path / "a.nc", engine="scipy")
    assert xr.open_dataset(tmp_path / "a.nc", engine="scipy").ergotropy.equals(data.ergotropy)


FILES = """ergoseq 1
system { field 9.4 T
    temperature 300 K
    spin h : 1H }
param d = 1 us
battery { energy = zeeman }
shape s = "s.txt"
use "lib.seq"
sequence { prepare thermal
    pulse 1H phase x rf = 25 kHz duration = 10 us shape = s
    delay d
    evolve HH for 1 us }
measure { energy }
"""


def written(folder: Path, strength: str = "25 kHz", shape: str = "1 0\n1 0\n") -> ergoseq.Sequence:
    (folder / "m.seq").write_text(FILES)
    (folder / "s.txt").write_text(shape)
    (folder / "lib.seq").write_text(f"ergoseq 1\nhamiltonian HH = {strength} * Ix(h)\n")
    return ergoseq.load(folder / "m.seq")


def test_every_file_that_determines_results_is_in_the_fingerprint(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    d = [1e-6, 2e-6]
    first = written(tmp_path).sweep(d=d, resume=parts)
    assert written(tmp_path).sweep(d=d, resume=parts).equals(first)
    for changed in ({"shape": "0.5 0\n1 90\n"}, {"strength": "250 kHz"}):
        with pytest.raises(ValueError, match="belongs to another sweep"):
            written(tmp_path, **changed).sweep(d=d, resume=parts)
    for option in ({"tolerance": 1e-9}, {"method": "dop853"}):
        with pytest.raises(ValueError, match="belongs to another sweep"):
            written(tmp_path).sweep(d=d, resume=parts, **option)
    # The command and the package tell sweeps apart by the same texts.
    names = first.attrs
    assert names["source of lib.seq"].startswith("ergoseq 1") and names["shape s"] == "1 0\n1 0\n"
    assert names["settings"].startswith("method auto, tolerance 1e-7")
    first.to_netcdf(tmp_path / "a.nc", engine="scipy")


def test_a_sequence_takes_its_files_along(tmp_path: Path) -> None:
    sequence = written(tmp_path)
    before = sequence.run()["energy"]["end"]
    travelled = pickle.dumps(sequence)
    changed = written(tmp_path, strength="250 kHz", shape="0.5 0\n1 90\n")
    assert pickle.loads(travelled).run()["energy"]["end"] == before
    assert changed.run()["energy"]["end"] != before


class _Command:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (os.system, (f"touch {self.path}",))


def test_damaged_shards_are_computed_again_and_run_nothing(pair: ergoseq.Sequence, tmp_path: Path) -> None:
    grid = {"T": [0.5, 1.0, 2.0]}
    whole = pair.sweep(params=grid)
    parts = tmp_path / "parts"
    assert pair.sweep(params=grid, resume=parts, shard=1).equals(whole)
    shard = parts / "1.shard"
    good = shard.read_bytes()
    damages = [pickle.dumps(_Command(tmp_path / "run")), b"", good[:-1], good + b"\0", (parts / "0.shard").read_bytes()]
    rng = np.random.default_rng(1)
    for _ in range(100):
        k = int(rng.integers(len(good)))
        damages.append(good[:k] + bytes([good[k] ^ 1 << int(rng.integers(8))]) + good[k + 1 :])
    for damaged in damages:
        shard.write_bytes(damaged)
        assert pair.sweep(params=grid, resume=parts, shard=1).equals(whole)
        assert shard.read_bytes() == good
    assert not (tmp_path / "run").exists()


distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():  # type: ignore[no-untyped-def]
    with distributed.LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            yield client


def test_a_cluster_does_the_same(jeener_broekaert: ergoseq.Sequence, cluster: distributed.Client) -> None:
    here = jeener_broekaert.sweep(tau=TAUS, theta=ANGLES)
    there = jeener_broekaert.sweep(tau=TAUS, theta=ANGLES, client=cluster, shard=4)
    assert here.equals(there)


def test_a_worker_that_is_killed_loses_nothing(jeener_broekaert: ergoseq.Sequence, cluster: distributed.Client) -> None:
    taus = list(np.linspace(1e-6, 9e-6, 1500))
    here = jeener_broekaert.sweep(tau=taus)
    pids = list(cluster.run(os.getpid).values())
    killed = False
    parts = 0

    import ergoseq.sweep as module

    original = module._on_cluster

    def with_a_murder(*arguments, **options):  # type: ignore[no-untyped-def]
        nonlocal killed, parts
        for found in original(*arguments, **options):
            parts += 1
            if parts == 5 and not killed:
                killed = True
                os.kill(pids[0], signal.SIGKILL)
            yield found

    module._on_cluster = with_a_murder
    try:
        there = jeener_broekaert.sweep(tau=taus, client=cluster, shard=20)
    finally:
        module._on_cluster = original
    assert killed and parts == 75
    assert here.equals(there)


def test_mistakes_come_home_from_workers(pair: ergoseq.Sequence, cluster: distributed.Client) -> None:
    # What is swept is read here, what is fixed on the workers.
    for wrong in ({"T": ["1 m", "2 m"]}, {"T": [1.0, 2.0], "fixed": {"Omega": "1 m"}}):
        with pytest.raises(ergoseq.ErgoseqError) as caught:
            pair.sweep(**wrong, client=cluster, shard=1)
        assert caught.value.code.startswith("E3")


def test_another_version_on_a_worker_is_refused(
    pair: ergoseq.Sequence, cluster: distributed.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ergoseq import _core

    monkeypatch.setattr(_core, "__version__", "0.0.1")
    with pytest.raises(RuntimeError, match=r"the worker has ergoseq .*, the client 0\.0\.1: install the same"):
        pair.sweep(T=[0.7, 0.9], client=cluster, shard=1)


def test_a_closed_client_is_refused(pair: ergoseq.Sequence, cluster: distributed.Client) -> None:
    client = distributed.Client(cluster.cluster)
    client.close()
    with pytest.raises(ValueError, match="the Dask client is closed"):
        pair.sweep(T=[1.0, 2.0], client=client, shard=1)
