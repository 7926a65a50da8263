"""Runs the command `ergoseq` in a copy of the included sequences."""

import os
import re
import shutil
import subprocess
from pathlib import Path

SECONDS = 120
"""A run that takes longer than this fails: a page must not need a minute of a reader's build."""

TITLE = 30
"""The height of the title of a chart, in pixels."""


class Failed(Exception):
    """A command that ended with another code than expected."""


class Ergoseq:
    """The command, and a folder with copies of the included sequences in which it runs, so that no run changes the repository."""

    def __init__(self, path: Path, root: Path, work: Path) -> None:
        self.path = path.resolve()
        self.work = work
        shutil.rmtree(work, ignore_errors=True)
        for name in ("sequences", "examples"):
            shutil.copytree(root / name, work / name)

    def add(self, name: str, text: str) -> str:
        """Writes a further file to the folder; returns its name."""
        file = self.work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return name

    def run(self, *arguments: str, columns: int = 80) -> tuple[int, str]:
        """Exit code and what the command prints: results, then messages. Texts are wrapped to the width."""
        environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
        try:
            done = subprocess.run(
                [self.path, *arguments], cwd=self.work, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, encoding="utf-8", timeout=SECONDS, check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise Failed(f"ergoseq {' '.join(arguments)}: not finished after {SECONDS} s") from late
        # How far a command had come after some time is no part of what it prints.
        said = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("progress: ")]
        return done.returncode, done.stdout + "".join(said)

    def prints(self, *arguments: str, columns: int = 80) -> str:
        """What the command prints, if it succeeds."""
        code, text = self.run(*arguments, columns=columns)
        if code != 0:
            raise Failed(f"ergoseq {' '.join(arguments)}: code {code}\n{text}")
        return text

    def draws(self, path: Path, *arguments: str) -> None:
        """Writes a picture as SVG: the arguments without `--output`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.prints(*arguments, "--output", str(path.resolve()), "--force")
        path.write_text(without_title(path.read_text(encoding="utf-8")), encoding="utf-8")

    def commands(self) -> list[tuple[str, str]]:
        """The subcommands, each with its line of the help."""
        lines = self.prints("--help").split("Commands:\n")[1].split("\n\n")[0].splitlines()
        out: list[tuple[str, str]] = []
        for line in lines:
            if found := re.match(r"  (\S+)\s+(.*)", line):
                out.append((found[1], found[2]))
            elif out:
                out[-1] = (out[-1][0], f"{out[-1][1]} {line.strip()}".strip())
        return [(name, meaning) for name, meaning in out if name != "help"]


def without_title(svg: str) -> str:
    """A chart without its title, which the page has as well: a long title is wider than a chart of one panel."""
    title = re.search(r'<text [^>]*font-size="20"[^>]*>[^<]*</text>', svg)
    size = re.match(r'<svg ([^>]*)width="([\d.]+)" height="([\d.]+)"', svg)
    if not title or not size:
        return svg
    height = float(size[3]) - TITLE
    shown = f'<svg {size[1]}width="{size[2]}" height="{height:.2f}" viewBox="0 {TITLE} {size[2]} {height:.2f}"'
    return svg.replace(title[0], "", 1).replace(size[0], shown, 1)
