"""Texts of the repository as pages: links to files become links to pages, codes of errors become links to their entries."""

import os
import re
from collections.abc import Callable, Iterable

FENCE = re.compile(r"^ *(`{3,}|:{3,})")
LINK = re.compile(r"\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)")
CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")

# Files and folders of the repository that have a page; those that have none are named without a link.
PAGES: dict[str, str | None] = {
    "README.md": "/index.md",
    "grammar.md": "/language/index.md",
    "CONTRIBUTING.md": "/contributing.md",
    "CHANGELOG.md": "/changes.md",
    "CITATION.cff": None,
    "fuzz/README.md": None,
    "tests/torture/README.md": None,
    "packaging/README.md": "/packaging.md",
    "editors": "/editors.md",
    "editors/README.md": "/editors.md",
    "python": "/python/index.md",
    "python/README.md": "/python/index.md",
    "examples/tutorial": "/tutorial/index.md",
    "sequences": "/sequences/index.md",
}


class Unknown(Exception):
    """A text names something that has no page."""


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Changes a Markdown text outside of fenced blocks and code spans."""
    out: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = FENCE.match(line)
        if fence:
            out.append(line)
            if found and found[1].startswith(fence) and line.strip() == found[1]:
                fence = ""
        elif found and not found[1].startswith(":"):
            fence = found[1]
            out.append(line)
        else:
            out.append(_outside_spans(line, change))
    return "\n".join(out)


def _outside_spans(line: str, change: Callable[[str], str]) -> str:
    out, start = "", 0
    for span in CODE.finditer(line):
        out += change(line[start : span.start()]) + span[0]
        start = span.end()
    return out + change(line[start:])


def escaped(text: str) -> str:
    """A plain text in which nothing is markup, except code spans."""
    return _outside_spans(text, lambda part: re.sub(r"([\\*_<>\[\]|$#~])", r"\\\1", part))


def safe(text: str) -> str:
    """A Markdown text in which `<W>` is not read as HTML."""
    return outside_code(text, lambda part: re.sub(r"(?<!\\)([<>])", r"\\\1", part))


def page_of(folder: str, target: str) -> str | None:
    """The page that stands for a link from a file in a folder of the repository."""
    path = os.path.normpath(os.path.join(folder, target.split("#")[0])).replace("\\", "/")
    if path in PAGES:
        return PAGES[path]
    if found := re.fullmatch(r"examples/tutorial/(\d\d_\w+)\.seq", path):
        return f"/tutorial/{found[1]}.md"
    if found := re.fullmatch(r"sequences/([\w/]+)\.seq", path):
        return f"/sequences/{found[1]}.md"
    raise Unknown(f"a link to {path}, which has no page: add it to PAGES in book/generate/markdown.py")


def with_links(text: str, folder: str) -> str:
    """Links to files of the repository as links to pages. A link may contain a code span."""

    def one(found: re.Match) -> str:
        words, target = found[1], found[2]
        if target.startswith(("http://", "https://", "#", "mailto:")):
            return found[0]
        page = page_of(folder, target)
        return words if page is None else f"[{words}]({page})"

    lines: list[str] = []
    fence = ""
    for line in text.split("\n"):
        found = FENCE.match(line)
        if fence:
            if found and line.strip() == fence:
                fence = ""
        elif found:
            fence = found[1]
        else:
            line = LINK.sub(one, line)
        lines.append(line)
    return "\n".join(lines)


def section(text: str, title: str) -> str:
    """The text below a heading `## title`, without the heading; below `# title` up to the first `##`, for an empty title."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    if not title:
        return parts[0].split("\n", 1)[1].strip()
    for heading, body in zip(parts[1::2], parts[2::2], strict=True):
        if heading == title:
            return body.strip()
    raise Unknown(f"no section `{title}`")


def fenced(kind: str, text: str) -> str:
    """A block of code."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}{kind}\n{text.rstrip()}\n{ticks}\n"


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "words") -> str:
    """A table; cells are Markdown without line breaks."""
    heads = list(headings)
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    # A bar separates cells in code spans, too, unless it is escaped.
    lines += ["| " + " | ".join(re.sub(r"(?<!\\)\|", r"\|", cell) for cell in row) + " |" for row in rows]
    return f"{{.{kind}}}\n" + "\n".join(lines) + "\n"


def toctree(pages: Iterable[str], caption: str = "", hidden: bool = False, depth: int = 1) -> str:
    """A list of pages for the navigation."""
    options = [f":maxdepth: {depth}"] + ([f":caption: {caption}"] if caption else []) + ([":hidden:"] if hidden else [])
    return fenced("{toctree}", "\n".join([*options, "", *pages]))


def comment(text: str) -> str:
    """A comment at the head of a file, or a note of a help text, as Markdown: indented lines are code."""
    out: list[str] = []
    code: list[str] = []
    words: list[str] = []
    for line in [*text.splitlines(), ""]:
        indented = line.startswith("  ")
        if code and not indented:
            kind = "sh" if code[0].startswith("ergoseq ") else "text"
            out.append(fenced(kind, "\n".join(code)))
            code = []
        if words and (indented or not line.strip()):
            out.append(escaped(" ".join(words)) + "\n")
            words = []
        if indented:
            code.append(line.strip())
        elif line.strip():
            words.append(line.strip())
    return "\n".join(out)
