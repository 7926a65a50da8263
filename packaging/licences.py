#!/usr/bin/env python3
"""Collects the licences of all packages that are linked into the command and the Python package.

    python3 packaging/licences.py THIRD-PARTY-LICENCES.txt

The list covers all targets. A text that several packages share is written once. Fails if a package has no licence text and may not be
used under the MIT licence either.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from project import ROOT

LICENCE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense|ofl)", re.IGNORECASE)
# The members of the workspace that are released. The kernels for graphics processors are a feature that releases leave out.
RELEASED = {"ergoseq", "ergoseq-python"}
SOURCE = {".rs", ".py", ".toml", ".json", ".c", ".h", ".html", ".ttf", ".otf"}


def metadata() -> dict[str, Any]:
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    graph: dict[str, Any] = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    return graph


def linked(graph: dict[str, Any]) -> list[dict[str, Any]]:
    """The packages that the released members of the workspace need at run time, without the members."""
    needs = {
        node["id"]: [d["pkg"] for d in node["deps"] if any(k["kind"] is None for k in d["dep_kinds"])]
        for node in graph["resolve"]["nodes"]
    }
    members = set(graph["workspace_members"])
    released = [p["id"] for p in graph["packages"] if p["id"] in members and p["name"] in RELEASED]
    reached, waiting = set(released), released
    while waiting:
        new = [d for d in needs[waiting.pop()] if d not in reached]
        reached.update(new)
        waiting.extend(new)
    packages = (p for p in graph["packages"] if p["id"] in reached - members)
    return sorted(packages, key=lambda p: (p["name"], p["version"]))


def texts(package: dict[str, Any]) -> list[str]:
    """The licence files of a package, in any of its folders."""
    folder = Path(package["manifest_path"]).parent
    files = (f for f in sorted(folder.rglob("*")) if LICENCE.match(f.name) and f.is_file() and f.suffix not in SOURCE)
    return [f.read_text(encoding="utf-8", errors="replace").strip() for f in files]


def without_text(package: dict[str, Any]) -> str:
    """The entry of a package that contains no licence text."""
    if "MIT" not in re.split(r"[^\w.-]+", package["license"] or ""):
        sys.exit(f"{package['name']} {package['version']} contains no licence text: add it by hand")
    authors = ", ".join(a.removesuffix(" <>") for a in package["authors"]) or "its authors"
    return f"; used under the MIT licence, whose terms are those in LICENSE-MIT, copyright {authors}"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    packages = linked(metadata())
    holders: dict[str, list[str]] = {}
    lines = ["ergoseq is built from the packages below. Each has its own licence.", ""]
    for package in packages:
        name = f"{package['name']} {package['version']}"
        found = texts(package)
        for text in found:
            users = holders.setdefault(text, [])
            if name not in users:
                users.append(name)
        stated = package["license"] or "see its text"
        missing = "" if found else without_text(package)
        source = f", {package['repository']}" if package["repository"] else ""
        lines.append(f"* {name}{source}: {stated}{missing}")
    for text, users in holders.items():
        lines += ["", "-" * 100, "", "Licence of " + ", ".join(users) + ":", "", text]
    Path(sys.argv[1]).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
