"""A hundred kills (SIGKILL) at random moments of a sweep of 10^5 points, resumed after each: the file is that of a sweep that was left alone.

    python3 tests/torture/kills.py target/release/ergoseq [KILLS [POINTS [SEED]]]

A kill counts if the sweep was running. A sweep that ends before enough kills is started again. Only the output file may be in the folder at
the end of a sweep, besides the `.part` file of a kill during the first write.
"""

import hashlib
import pathlib
import random
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


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    kills, points, seed = (int(x) for x in (sys.argv[2:] + ["100", "100000", "1"][len(sys.argv) - 2 :]))
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="ergoseq-kills-") as name:
        folder = pathlib.Path(name)
        (folder / "s.seq").write_text(PROGRAM)
        sweep = [binary, "sweep", "s.seq", "--sweep", f"Omega = 0.1 .. 3 points {points}", "--threads", "2", "-o"]
        begun = time.monotonic()
        subprocess.run([*sweep, "whole.nc"], cwd=folder, check=True, capture_output=True)
        whole = time.monotonic() - begun
        expected = hashlib.sha256((folder / "whole.nc").read_bytes()).hexdigest()
        print(f"{points} points in {whole:.2f} s", flush=True)
        done, sweeps, early, equal = 0, 0, 0, 0
        out = folder / "killed.nc"
        while done < kills or out.exists():
            more = ["--resume"] if out.exists() else []
            process = subprocess.Popen([*sweep, "killed.nc", *more], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                if done < kills:
                    process.wait(timeout=chance.uniform(0, whole / 6))
                else:
                    process.wait()
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                done += 1
                early += not out.exists()
                continue
            said = process.stderr.read().decode()
            assert process.returncode == 0, said
            sweeps += 1
            found = hashlib.sha256(out.read_bytes()).hexdigest()
            equal += found == expected
            left = [p.name for p in folder.iterdir() if p.name not in ("s.seq", "whole.nc", "killed.nc") and not p.name.endswith(".part")]
            assert found == expected and not left, (done, left)
            out.unlink()
        parts = len(list(folder.glob("*.part")))
        print(f"{done} kills ({early} before the file was in its place, {parts} part files), {sweeps} sweeps, {equal} of them byte-identical")


if __name__ == "__main__":
    main()
