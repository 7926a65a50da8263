"""Kills (SIGKILL) at random moments of a sweep of the Python package on a Dask cluster, resumed after each: the dataset is that of a sweep that was left
alone. Needs the packages ergoseq, xarray and distributed.

    python3 tests/torture/kills_dask.py [KILLS [POINTS [SEED]]]

The process that holds the client and the cluster is killed; the folder of `resume=` is all that is left of it.
"""

import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = """ergoseq 1
units natural
param Omega = 1 in 0.1 .. 3
system { spin a, b : 1/2 }
hamiltonian H = Z(a)*Z(b) - X(a)*X(b)
battery { energy = H }
sequence {
    prepare gibbs(H, 1)
    evolve Omega*(X(a) + X(b)) for pi/Omega record 5 as charging
    mark charged
}
measure { ergotropy, capacity }
"""


def work(folder, points, result):
    """One sweep, in a process of its own."""
    import distributed
    import numpy as np

    import ergoseq

    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster, distributed.Client(cluster) as client:
        sequence = ergoseq.load(PROGRAM)
        found = sequence.sweep(Omega=np.linspace(0.1, 3, points), client=client, shard=max(points // 200, 1), resume=folder)
    np.savez(result, **{k: v.values for k, v in found.data_vars.items() if v.dtype.kind == "f"})


def main():
    if sys.argv[1:2] == ["--work"]:
        return work(sys.argv[2], int(sys.argv[3]), sys.argv[4])
    import numpy as np

    kills, points, seed = (int(x) for x in (sys.argv[1:] + ["100", "100000", "1"][len(sys.argv) - 1 :]))
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ergoseq-dask-") as name:
        scratch = pathlib.Path(name)

        def begin(folder, result):
            arguments = [sys.executable, __file__, "--work", str(scratch / folder), str(points), str(scratch / result)]
            return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)

        begun = time.monotonic()
        whole = begin("whole", "whole.npz")
        said = whole.communicate()[1].decode()
        assert whole.returncode == 0, said
        took = time.monotonic() - begun
        # Killed once the folder is there: before, nothing was begun.
        print(f"{points} points in {took:.1f} s", flush=True)
        done, sweeps, kept = 0, 0, []
        while True:
            folder = scratch / "killed"
            process = begin("killed", "killed.npz")
            while done < kills and process.poll() is None and not (folder / "sweep.json").exists():
                time.sleep(0.01)
            try:
                process.wait(timeout=chance.uniform(0, took / 2) if done < kills else None)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                done += 1
                kept.append(len(list(folder.glob("*.shard"))))
                continue
            assert process.returncode == 0, process.stderr.read().decode()
            sweeps += 1
            one, other = np.load(scratch / "whole.npz"), np.load(scratch / "killed.npz")
            assert set(one) == set(other) and all(one[k].tobytes() == other[k].tobytes() for k in one)
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
            if done >= kills:
                break
        print(f"{done} kills, {sweeps} sweeps, all of them with the same bytes; shards kept at the kills: {min(kept)} to {max(kept)}")


if __name__ == "__main__":
    main()
