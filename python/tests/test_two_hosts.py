"""A sweep over two hosts: two network namespaces, each with an address of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

pytest.importorskip("distributed")

A, B = f"ergoseq{os.getpid()}a", f"ergoseq{os.getpid()}b"
SCHEDULER, WORKER, PORT = "10.213.7.1", "10.213.7.2", "18786"


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def hosts() -> Iterator[None]:
    if shutil.which("ip") is None or os.geteuid() != 0 or not _ip("netns", "add", A):
        pytest.skip("network namespaces cannot be made here")
    try:
        ends = (f"e{os.getpid() % 10000}a", f"e{os.getpid() % 10000}b")
        made = _ip("netns", "add", B) and _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        if not made:
            pytest.skip("network namespaces cannot be joined here")
        for name, end, address in ((A, ends[0], SCHEDULER), (B, ends[1], WORKER)):
            assert _ip("link", "set", end, "netns", name)
            assert _ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
            assert _ip("-n", name, "link", "set", end, "up")
            assert _ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        _ip("netns", "del", A)
        _ip("netns", "del", B)


CLIENT = """
import sys
import numpy as np
from distributed import Client
import ergoseq

text = sys.stdin.read()
seq = ergoseq.load(text)
with Client(sys.argv[1], timeout=60) as client:
    client.wait_for_workers(1, timeout=60)
    [worker] = client.scheduler_info()["workers"]
    there = seq.sweep(T=list(np.linspace(0.5, 2, 40)), client=client, shard=5)
assert seq.sweep(T=list(np.linspace(0.5, 2, 40))).equals(there)
print(worker)
"""


def test_two_hosts(hosts: None) -> None:
    from .conftest import PAIR

    def inside(name: str, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["ip", "netns", "exec", name, sys.executable, *words], stderr=subprocess.DEVNULL)

    scheduler = inside(A, "-m", "distributed.cli.dask_scheduler", "--host", SCHEDULER, "--port", PORT, "--no-dashboard")
    worker = inside(
        B, "-m", "distributed.cli.dask_worker", f"tcp://{SCHEDULER}:{PORT}", "--host", WORKER, "--nthreads", "1", "--no-dashboard"
    )
    try:
        time.sleep(1)
        done = subprocess.run(
            ["ip", "netns", "exec", A, sys.executable, "-c", CLIENT, f"tcp://{SCHEDULER}:{PORT}"],
            input=PAIR, capture_output=True, text=True, timeout=180, check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"tcp://{WORKER}:"), done.stdout
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait(timeout=30)
