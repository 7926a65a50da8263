#!/usr/bin/env python3
"""Fills in the version, addresses and checksums of the recipes of a release.

    python3 packaging/fill.py ADDRESS CHECKSUMS FOLDER

ADDRESS is the page of the repository, as `https://HOST/OWNER/NAME`. CHECKSUMS is a file as `sha256sum` prints it, which has a line for
every file that a recipe names. In a recipe, `@VERSION@` stands for the version, `@ADDRESS@` for the page, and `@SHA256 NAME@` for the
checksum of the file NAME. The finished recipes are written to FOLDER.
"""

import re
import sys
from pathlib import Path

from project import ROOT, version

RECIPES = ["homebrew/ergoseq.rb", "conda/recipe.yaml", "aur/PKGBUILD"]


def filled(recipe: str, address: str, checksums: dict[str, str]) -> str:
    text = recipe.replace("@VERSION@", version()).replace("@ADDRESS@", address)

    def checksum(place: re.Match[str]) -> str:
        if place[1] not in checksums:
            sys.exit(f"the checksum of {place[1]} is not known")
        return checksums[place[1]]

    text = re.sub(r"@SHA256 ([^@]+)@", checksum, text)
    left = re.search(r"@[A-Z0-9]+\b[^@\n]*@", text)
    if left is not None:
        sys.exit(f"a recipe has the unknown placeholder {left[0]}")
    return text


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    address, folder = sys.argv[1].rstrip("/"), Path(sys.argv[3])
    lines = Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()
    checksums = {name.removeprefix("*"): digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECIPES:
        recipe = (ROOT / "packaging" / name).read_text(encoding="utf-8")
        (folder / Path(name).name).write_text(filled(recipe, address, checksums), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
