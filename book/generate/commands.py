"""A page for each command, from its `--help`."""

import re

from .command import Ergoseq
from .markdown import comment, escaped, fenced, table, toctree


def pages(ergoseq: Ergoseq) -> dict[str, str]:
    out: dict[str, str] = {}
    commands = ergoseq.commands()
    for name, _ in commands:
        out[f"commands/{name}"] = page(f"ergoseq {name}", ergoseq.prints(name, "--help"))
    whole = parts(ergoseq.prints("--help"))
    rows = [[f"[`{name}`](/commands/{name}.md)", escaped(meaning)] for name, meaning in commands]
    out["commands/index"] = (
        f"# Commands\n\n{escaped(whole[''])}\n\n{table(['command', 'purpose'], rows)}\n"
        + f"## Options of every command\n\n{options(whole['Options'])}\n"
        + f"{escaped(whole['Exit codes'])}\n\n"
        + toctree((name for name, _ in commands), hidden=True)
    )
    return out


def parts(text: str) -> dict[str, str]:
    """A help text by its headings; the description has none. Paragraphs at its end belong to the last heading or to `Notes`."""
    out: dict[str, str] = {"": ""}
    heading = ""
    for line in text.splitlines():
        found = re.match(r"([A-Z][\w ]*):(?: (.*))?$", line)
        if found and found[1] in ("Usage", "Arguments", "Options", "Commands", "Examples", "Example", "Drawings", "Exit codes"):
            heading = found[1]
            out[heading] = (found[2] or "") + "\n"
        elif line and not line.startswith(" ") and heading and heading not in ("Usage", "Exit codes"):
            heading = "Notes"
            out[heading] = out.get(heading, "") + line + "\n"
        else:
            out[heading] += line + "\n"
    return {name: body.strip("\n") for name, body in out.items()}


def entries(text: str) -> list[tuple[str, str]]:
    """Options or arguments, each with its meaning: lines indented deeper continue the entry before."""
    out: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if found := re.match(r" {2,6}((?:-|<|\[)\S.*?)(?: {2,}(\S.*))?$", line):
            out.append((found[1], [found[2]] if found[2] else []))
            continue
        if line.strip() and out:
            out[-1][1].append(line.strip())
    return [(name, " ".join(meaning)) for name, meaning in out]


def options(text: str) -> str:
    rows = [[f"`{name}`", escaped(meaning)] for name, meaning in entries(text)]
    return table(["option", "meaning"], rows, "options")


def page(command: str, text: str) -> str:
    found = parts(text)
    out = f"# {command}\n\n{escaped(found[''].strip())}\n\n"
    out += fenced("text", " ".join(found["Usage"].split())) + "\n"
    if "Arguments" in found:
        rows = [[f"`{name}`", escaped(meaning)] for name, meaning in entries(found["Arguments"])]
        out += f"## Arguments\n\n{table(['argument', 'meaning'], rows, 'options')}\n"
    out += f"## Options\n\n{options(found['Options'])}\n"
    if "Drawings" in found:
        # Words and meanings are two or more blanks apart; a line without that continues the one before.
        drawings = re.sub(r"\n +(?! |\S+ {2,})", " ", found["Drawings"])
        rows = [line.split(maxsplit=1) for line in drawings.splitlines()]
        out += f"## Drawings\n\n{table(['drawing', 'what it shows'], [[f'`{a}`', escaped(b)] for a, b in rows])}\n"
    if "Notes" in found:
        out += comment(found["Notes"]) + "\n"
    for heading in ("Example", "Examples"):
        if heading in found:
            # A line that does not begin with the command continues the one before.
            lines = re.sub(r"\n +(?! |ergoseq|python)", " ", found[heading].strip())
            lines = "\n".join(line.strip() for line in lines.splitlines())
            out += f"## {heading}\n\n{fenced('sh', lines)}\n"
    return out
