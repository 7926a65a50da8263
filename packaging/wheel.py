#!/usr/bin/env python3
"""Adds the command and the licences to a wheel, so that `pip install ergoseq` installs the command, too.

    python3 packaging/wheel.py WHEEL ARCHIVE FOLDER

ARCHIVE is the archive of the command for the system of the wheel, as archive.py writes it. Writes the completed wheel to FOLDER. Needs
the package `wheel`, which unpacks and packs wheels and writes their list of checksums.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LICENCES = ["LICENSE-APACHE", "LICENSE-MIT", "THIRD-PARTY-LICENCES.txt"]


def complete(wheel: Path, archive: Path) -> None:
    """Copies the files of an unpacked archive into an unpacked wheel, where installers look for them."""
    information = next(wheel.glob("*.dist-info"))
    licences = information / "licenses"
    scripts = information.with_suffix(".data") / "scripts"
    for folder in [licences, scripts]:
        folder.mkdir(parents=True, exist_ok=True)
    for name in LICENCES:
        shutil.copy(archive / name, licences)
    command = next(f for f in archive.iterdir() if f.name in ("ergoseq", "ergoseq.exe"))
    shutil.copy(command, scripts)
    (scripts / command.name).chmod(0o755)


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    wheel, archive, output = map(Path, sys.argv[1:])
    output.mkdir(parents=True, exist_ok=True)
    tool = [sys.executable, "-m", "wheel"]
    with tempfile.TemporaryDirectory() as scratch:
        files, contents = Path(scratch) / "wheel", Path(scratch) / "archive"
        shutil.unpack_archive(archive, contents)
        subprocess.run([*tool, "unpack", "--dest", files, wheel], check=True)
        unpacked = next(files.iterdir())
        complete(unpacked, next(contents.iterdir()))
        subprocess.run([*tool, "pack", "--dest-dir", output, unpacked], check=True)


if __name__ == "__main__":
    main()
