#!/usr/bin/env python3
"""Prints the notes of a release: the section of CHANGELOG.md on its version.

    python3 packaging/notes.py v0.1.0

Fails if the tag is not `v` and the version in Cargo.toml, or if the section still has the heading "Unreleased".
"""

import re
import sys

from project import ROOT, version


def section(changes: str, wanted: str) -> str:
    """The text below the heading `## VERSION` or `## VERSION (DATE)`, without the heading."""
    heading = re.compile(rf"^## {re.escape(wanted)}(?: \(.*\))?$", re.MULTILINE)
    found = heading.search(changes)
    if found is None:
        sys.exit(f"CHANGELOG.md has no section `## {wanted}`: rename the section `Unreleased` before the tag is set")
    text = re.split(r"^## ", changes[found.end() :], maxsplit=1, flags=re.MULTILINE)[0].strip()
    if not text:
        sys.exit(f"the section `## {wanted}` of CHANGELOG.md is empty")
    return text


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tag = sys.argv[1]
    if tag != f"v{version()}":
        sys.exit(f"the tag is {tag}, but Cargo.toml has version {version()}")
    print(section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version()))


if __name__ == "__main__":
    main()
