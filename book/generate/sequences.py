"""A page for each included sequence and each step of the tutorial: comments, source, pictures and numbers; and a gallery."""

import re
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from .command import Ergoseq, Failed
from .language import with_codes
from .markdown import escaped, fenced, toctree, with_links

# Folders below `sequences/` in the order of the gallery, each with its heading and an introduction.
GROUPS = {
    "": ("Experiments", "The main experiments: batteries, chargers, preparation of Gibbs states, measurement."),
    "lab": ("Laboratory", "Calibrations and dry runs of laboratory experiments, each with its expected values."),
    "papers": ("Papers", "The sequences that `ergoseq reproduce` runs, with the closed forms of the papers as `theory` lines."),
    "library": ("Library", "Declarations that other files include with `use \"library:NAME\"`."),
    "lab/large": ("Large systems", "These sequences take a minute or more, so their pages show no numbers."),
}
NOT_RUN = ("lab/large", "library")
# The pictures of a page: what `ergoseq plot --what` draws, for files with this pattern in their code.
PICTURES = {
    "results": (r"\brecord\b|\bacquire\b|^sweep\b", "Results"),
    "tomography": (r"^\s*tomography\b", "Energies from the tomography, with errors"),
    "city": (r"^\s*tomography\b", "The density matrix at every mark"),
    "orders": (r"\bcoherence_order\b", "Fractions of the coherence orders after every statement"),
    "levels": (r"^battery\b", "Energy levels of the battery with their populations at every mark"),
    "sequence": (r"^sequence\b", "The pulse sequence; widths are logarithmic in duration"),
}
LONGEST_TABLE = 60
"""Lines of a table of results; a longer one is cut."""


@dataclass
class File:
    """A `.seq` file of the repository."""

    path: str
    page: str
    group: str
    text: str

    @property
    def name(self) -> str:
        return Path(self.path).stem

    @property
    def title(self) -> str:
        found = re.search(r'^title "(.*?)"', self.text, flags=re.MULTILINE)
        return found[1] if found else self.name

    @property
    def head(self) -> str:
        """The comment before the first statement."""
        lines = []
        for line in self.text.splitlines():
            if not line.startswith("#"):
                break
            lines.append(line[1:].removeprefix(" "))
        return "\n".join(lines)

    @property
    def lab(self) -> bool:
        return not re.search(r"^units natural", self.text, flags=re.MULTILINE)

    def has(self, pattern: str) -> bool:
        code = "\n".join(line.split("#")[0] for line in self.text.splitlines())
        return re.search(pattern, code, flags=re.MULTILINE) is not None


def shipped(root: Path) -> list[File]:
    files = []
    for path in sorted((root / "sequences").rglob("*.seq")):
        name = path.relative_to(root / "sequences").with_suffix("").as_posix()
        group = name.rpartition("/")[0]
        if group not in GROUPS:
            raise KeyError(f"the folder sequences/{group} has no heading in book/generate/sequences.py")
        files.append(File(f"sequences/{name}.seq", f"sequences/{name}", group, path.read_text(encoding="utf-8")))
    return files


def tutorial(root: Path) -> list[File]:
    paths = sorted((root / "examples/tutorial").glob("*.seq"))
    return [File(f"examples/tutorial/{p.name}", f"tutorial/{p.stem}", "tutorial", p.read_text(encoding="utf-8")) for p in paths]


def comment(text: str) -> str:
    """The comment at the head of a file as Markdown: indented lines are code."""
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


class Drawn:
    """The pictures and numbers of a file."""

    def __init__(self, file: File, ergoseq: Ergoseq, figures: Path) -> None:
        self.file = file
        self.pictures: list[tuple[str, str]] = []
        self.printed = ""
        self.arguments: list[str] = []
        self.ergoseq = ergoseq
        self.figures = figures
        if file.group in NOT_RUN:
            return
        self.printed = ergoseq.prints("run", file.path)
        for kind, (pattern, caption) in PICTURES.items():
            if kind == "sequence" and self.pictures and not file.has(r"\b(pulse|lock|delay)\b"):
                continue
            if file.has(pattern):
                self._draw(kind, caption)

    def _draw(self, kind: str, caption: str) -> None:
        path = self.figures / f"{self.file.page.replace('/', '_')}_{kind}.svg"
        what = [] if kind == "results" else ["--what", kind]
        try:
            self.ergoseq.draws(path, "plot", self.file.path, *what, "--threads", "1")
        except Failed as failed:
            # Levels of large batteries and matrices of many states would not be legible.
            if "nothing to draw" in str(failed):
                return
            raise
        self.pictures.append((path.name, caption))


def draw(files: list[File], ergoseq: Ergoseq, figures: Path, pool: Executor) -> dict[str, Drawn]:
    made = list(pool.map(lambda file: Drawn(file, ergoseq, figures), files))
    return {drawn.file.page: drawn for drawn in made}


def picture(name: str, caption: str, alternative: str) -> str:
    return fenced(f"{{figure}} /figures/{name}", f":alt: {alternative}\n:class: drawn\n\n{caption}")


def page(drawn: Drawn, codes: set[str], neighbours: str = "") -> str:
    file = drawn.file
    out = f"# {escaped(file.title)}\n\n`{file.path}`\n\n{with_codes(comment(file.head), codes)}\n"
    for name, caption in drawn.pictures:
        out += picture(name, caption, f"{escaped(caption)}: {escaped(file.title)}") + "\n"
    if drawn.printed:
        lines = drawn.printed.rstrip().splitlines()
        more = len(lines) - LONGEST_TABLE
        if more > 0:
            lines = [*lines[:LONGEST_TABLE], f"... {more} more lines"]
        out += f"## Numbers\n\n{fenced('sh', f'ergoseq run {file.path}')}\n{fenced('text', chr(10).join(lines))}\n"
    source = re.sub(r"\A(#.*\n)+", "", file.text).strip("\n")
    out += f"## Source\n\n{fenced('seq', source)}\n"
    return out + neighbours


def card(drawn: Drawn) -> str:
    """A thumbnail with a title, both linked to the page."""
    title, target = escaped(drawn.file.title), f"/{drawn.file.page}.md"
    image = f"[![{title}](/figures/{drawn.pictures[0][0]})]({target})\n\n" if drawn.pictures else ""
    return f":::{{container}} card\n{image}[{title}]({target})\n:::\n"


def gallery(files: list[File], drawn: dict[str, Drawn]) -> str:
    out = (
        "# Included sequences\n\n"
        "`ergoseq list` lists these files, `ergoseq new my.seq --like NAME` starts a file of your own from one of them. "
        "`ergoseq test` compares every one with its `expect` and `theory` lines.\n\n"
    )
    for group, (heading, introduction) in GROUPS.items():
        of = [file for file in files if file.group == group]
        out += f"## {heading}\n\n{introduction}\n\n"
        if group in NOT_RUN:
            out += "".join(f"* [{escaped(file.title)}](/{file.page}.md)\n" for file in of) + "\n"
        else:
            out += "::::{container} gallery\n" + "".join(card(drawn[file.page]) for file in of) + "::::\n\n"
    return out + toctree((f"/{file.page}" for file in files), hidden=True)


def tutorial_index(readme: str, files: list[File]) -> str:
    title, body = readme.split("\n", 1)
    return f"{title}\n\n{with_links(body, 'examples/tutorial').strip()}\n\n" + toctree((f"/{f.page}" for f in files), hidden=True)
