#!/usr/bin/env python3
"""Packs a built command with its documents, completions and manual pages, and writes the checksum of the archive.

    python3 packaging/archive.py COMMAND TARGET THIRD-PARTY-LICENCES FOLDER

COMMAND must run on this machine: it writes its own completions and manual pages. The archive is
FOLDER/ergoseq-VERSION-TARGET.tar.gz, or .zip for Windows; its SHA-256 is in a file of the same name with `.sha256` added. The same
input gives the same bytes; files carry the time SOURCE_DATE_EPOCH, or 1980.
"""

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

from project import ROOT, version

DOCUMENTS = ["README.md", "CHANGELOG.md", "CITATION.cff", "grammar.md", "LICENSE-APACHE", "LICENSE-MIT"]
COMPLETIONS = {
    "bash": "ergoseq.bash",
    "elvish": "ergoseq.elv",
    "fish": "ergoseq.fish",
    "powershell": "_ergoseq.ps1",
    "zsh": "_ergoseq",
}
EARLIEST = 315532800  # 1980-01-01, the first day that a zip file can state


def fill(folder: Path, command: Path, licences: Path) -> None:
    """Writes everything that the archive contains."""
    shutil.copy(command, folder / f"ergoseq{command.suffix}")
    for name in DOCUMENTS:
        shutil.copy(ROOT / name, folder)
    shutil.copy(licences, folder / "THIRD-PARTY-LICENCES.txt")
    (folder / "completions").mkdir()
    for shell, name in COMPLETIONS.items():
        script = subprocess.run([command, "completions", shell], check=True, capture_output=True).stdout
        (folder / "completions" / name).write_bytes(script)
    subprocess.run([command, "man", "--output", folder / "man"], check=True)


def members(folder: Path) -> list[tuple[Path, str, int]]:
    """The files of a folder: the path, the name within the archive and the permissions."""
    files = sorted(f for f in folder.rglob("*") if f.is_file())
    mode = {f: 0o755 if f.parent == folder and f.stem == "ergoseq" else 0o644 for f in files}
    return [(f, f.relative_to(folder.parent).as_posix(), mode[f]) for f in files]


def pack_tar(folder: Path, archive: Path, moment: int) -> None:
    with (
        archive.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=9, mtime=moment) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path, name, mode in members(folder):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = path.stat().st_size, mode, moment
            with path.open("rb") as content:
                tar.addfile(entry, content)


def pack_zip(folder: Path, archive: Path, moment: int) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path, name, mode in members(folder):
            entry = zipfile.ZipInfo(name, time.gmtime(moment)[:6])
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, mode << 16
            packed.writestr(entry, path.read_bytes())


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    command, target, licences, output = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    stated = subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout.split()
    if stated != ["ergoseq", version()]:
        sys.exit(f"{command} is {' '.join(stated)}, but Cargo.toml has version {version()}")
    name = f"ergoseq-{version()}-{target}"
    moment = max(int(os.environ.get("SOURCE_DATE_EPOCH", EARLIEST)), EARLIEST)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / name
        folder.mkdir()
        fill(folder, command, licences)
        windows = "windows" in target
        archive = output / f"{name}{'.zip' if windows else '.tar.gz'}"
        (pack_zip if windows else pack_tar)(folder, archive, moment)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    Path(f"{archive}.sha256").write_text(f"{digest}  {archive.name}\n", encoding="utf-8", newline="\n")
    print(archive)


if __name__ == "__main__":
    main()
