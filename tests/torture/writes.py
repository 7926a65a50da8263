"""Every failing write: each command that writes runs with its n-th write, open, rename, fsync, mkdir or unlink failing, n = 1, 2, ... until none is left.

    python3 tests/torture/writes.py target/release/ergoseq [COMMAND ...]

After each run, every output is the file that was there before or the new one, whole; a new output is absent or whole; no other file lies
in the folder; and the exit code is 3 unless the outputs are the new ones and the failing call was the removal of something. A sweep that was
cut off is completed by `--resume` to the same bytes. Needs Linux and a C compiler.
"""

import errno
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

BATTERY = """ergoseq 1
units natural
title "torture"
param Omega = 1 in 0.1 .. 3
system { spin a, b : 1/2 }
hamiltonian H = Z(a)*Z(b) - X(a)*X(b)
battery { energy = H }
sequence {
    prepare gibbs(H, 1)
    evolve Omega*(X(a) + X(b)) for pi/Omega record 11 as charging
    mark charged
}
measure { ergotropy, capacity }
sweep Omega = 0.5 .. 2 points 10
"""
UNTIDY = BATTERY.replace("    prepare", "  prepare")
NMR = """ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
}
channel 1H { rf = 25 kHz }
sequence {
    prepare thermal
    pulse 1H 90 deg phase x
    delay 1 ms
    acquire 1H points 8 dwell 1 ms
}
measure { order(Iz(h)) }
"""
SHAPED = """ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin h : 1H
}
channel 1H { rf = 25 kHz }
shape s = "s.txt"
sequence {
    prepare thermal
    pulse 1H phase x rf = 25 kHz duration = 20 us shape = s
}
measure { order(Iz(h)) }
"""
PAIR = """ergoseq 1
system {
    field 9.4 T
    temperature 300 K
    spin p : 1H
    spin c : 13C
    j p c = 150 Hz
}
channel 1H { rf = 25 kHz }
channel 13C { rf = 25 kHz }
hamiltonian H = 150 Hz*Iz(p)*Iz(c)
sequence { prepare thermal }
measure { order(Iz(p)) }
"""
FILES = {"battery.seq": BATTERY, "untidy.seq": UNTIDY, "nmr.seq": NMR, "shaped.seq": SHAPED, "s.txt": "50 0\n100 0\n100 0\n50 0\n", "pair.seq": PAIR}

COMMANDS = {
    "run-csv": ["run", "battery.seq", "-o", "out.csv"],
    "run-json": ["run", "battery.seq", "-o", "out.json"],
    "sweep": ["sweep", "battery.seq", "--sweep", "Omega = 0.5 .. 2 points 6", "-o", "out.nc"],
    "plot-svg": ["plot", "battery.seq", "--sweep", "Omega = 0.5 .. 2 points 5", "-o", "out.svg"],
    "plot-png": ["plot", "battery.seq", "--sweep", "Omega = 0.5 .. 2 points 5", "-o", "out.png"],
    "report": ["report", "nmr.seq", "-o", "out.html"],
    "export-topspin": ["export", "nmr.seq", "--to", "topspin", "-o", "out", "--calibration", "1H: 10 us at 100 W"],
    "export-simpson": ["export", "nmr.seq", "--to", "simpson", "-o", "out", "--calibration", "1H: 10 us at 100 W"],
    "fmt": ["fmt", "untidy.seq"],
    "compile": ["compile", "pair.seq", "--hamiltonian", "H", "--for", "1 ms", "-o", "out.seq"],
    "shape": ["shape", "shaped.seq", "--shape", "s", "--minimise", "order(Iz(h))", "--steps", "6", "--iterations", "3", "-o", "out.txt"],
    "robustness": ["robustness", "nmr.seq", "--rf", "-0.1 .. 0.1 points 3", "--offset", "-1 kHz .. 1 kHz points 3", "-o", "out.csv"],
    "man": ["man", "-o", "out"],
    "new": ["new", "out.seq"],
}
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES}


def contents(folder):
    """The files below a folder, with the hashes of their bytes."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()
    }


class Torture:
    def __init__(self, binary):
        self.binary = str(pathlib.Path(binary).resolve())
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="ergoseq-torture-"))
        self.shim = self.scratch / "shim.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.shim, HERE / "shim.c", "-ldl"], check=True)
        self.failures = []

    def folder(self, before):
        folder = self.scratch / "work"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, text in FILES.items():
            (folder / name).write_text(text)
        for name, data in before.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder

    def run(self, arguments, folder, n=None, **more):
        environment = dict(os.environ, RAYON_NUM_THREADS="1")
        log = self.scratch / "log"
        log.unlink(missing_ok=True)
        if n is not None:
            environment.update(LD_PRELOAD=str(self.shim), TORTURE_N=str(n), TORTURE_COUNT=str(self.scratch / "count"), TORTURE_LOG=str(log), **more)
        done = subprocess.run([self.binary, *arguments], cwd=folder, env=environment, capture_output=True, timeout=120)
        return done, log.read_text().strip() if log.exists() else None

    def wrong(self, *what):
        self.failures.append(what)
        print("WRONG", *what, flush=True)

    def command(self, name):
        arguments = COMMANDS[name]
        folder = self.folder({})
        begin = contents(folder)
        done, _ = self.run(arguments, folder)
        assert done.returncode == 0, (name, done.stderr.decode())
        new = contents(folder)
        made = {k: v for k, v in new.items() if begin.get(k) != v}
        bytes_of = {k: (folder / k).read_bytes() for k in made}
        # An older output, of the same kind: what another program gave.
        older = {k: b"old\n" + v for k, v in bytes_of.items() if k not in FILES}
        if name.startswith("export"):
            older = {k: (v if k.endswith("README.md") else b"old\n" + v) for k, v in bytes_of.items()}
        runs = 0
        for overwrite in [False, True]:
            if overwrite and name in ("fmt", "new", "man"):
                continue
            for error, number in ERRORS.items():
                for half in (["0", "1"] if error == "ENOSPC" else ["0"]):
                    n = 0
                    while True:
                        n += 1
                        folder = self.folder(older if overwrite else {})
                        before = contents(folder)
                        done, failed = self.run(arguments + (["--force"] if overwrite else []), folder, n, TORTURE_ERRNO=str(number), TORTURE_HALF=half)
                        if failed is None:
                            if done.returncode != 0:
                                self.wrong(name, "without a failing call", done.returncode, done.stderr.decode()[:300])
                            break
                        runs += 1
                        self.judge(name, (n, error, failed, overwrite), done, folder, before, made, arguments)
        print(f"{name}: {runs} failing calls", flush=True)
        return runs

    def judge(self, name, case, done, folder, before, made, arguments):
        after = contents(folder)
        failed, said = case[2], done.stderr.decode()[:200]
        if "panicked" in said or done.returncode < 0 or done.returncode not in (0, 3):
            self.wrong(name, case, "exit code", done.returncode, said)
        extra = set(after) - set(before) - set(made)
        if extra and failed != "unlink":
            self.wrong(name, case, "left behind", sorted(extra))
        states = {"old" if after.get(k) == before.get(k) else "new" if after.get(k) == v else "other" for k, v in made.items()}
        if any(after.get(k) != v for k, v in before.items() if k not in made):
            self.wrong(name, case, "an input was changed")
        if done.returncode == 0 and states != {"new"}:
            self.wrong(name, case, "exit code 0 and", states)
        if done.returncode == 0 and failed not in ("unlink", "copy_file_range"):
            self.wrong(name, case, "exit code 0 though a call failed")
        if name == "sweep" and "other" in states:
            resumed, _ = self.run([*arguments, "--resume"], folder)
            if contents(folder).get("out.nc") != made["out.nc"]:
                self.wrong(name, case, "not completed by --resume", resumed.stderr.decode()[:200])
        # The pages of `man` are files of their own.
        elif "other" in states or (len(states) > 1 and failed != "unlink" and name != "man"):
            self.wrong(name, case, "outputs are", states)


def main():
    torture = Torture(sys.argv[1])
    names = sys.argv[2:] or list(COMMANDS)
    total = sum(torture.command(name) for name in names)
    print(f"{total} failing calls, {len(torture.failures)} wrong")
    shutil.rmtree(torture.scratch)
    sys.exit(1 if torture.failures else 0)


if __name__ == "__main__":
    main()
