"""The reference of the language: `grammar.md`, one page for each of its sections, and its tables of words."""

import re
from dataclasses import dataclass, field

from .command import Ergoseq, Failed
from .markdown import fenced, outside_code, safe, toctree

# Tables that have a page of their own and are too long for the page of their section.
LONG = ("units", "isotopes", "metrics", "codes")


@dataclass
class Table:
    """A table of words between `<!-- table: NAME -->` and `<!-- end -->`."""

    name: str
    section: str
    headings: list[str]
    rows: list[list[str]]


@dataclass
class Section:
    """A section `##` or `###` with its page."""

    number: str
    title: str
    page: str
    body: str = ""
    parts: list["Section"] = field(default_factory=list)


def word_of(cell: str) -> str:
    """The word of a row: `ergotropy` of `` `ergotropy([H])` ``."""
    return re.split(r"[( `]", cell.strip("`"))[0]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower().split(",")[0]).strip("_")


class Language:
    """The reference as data."""

    def __init__(self, text: str) -> None:
        self.sections: list[Section] = []
        self.tables: dict[str, Table] = {}
        head, *rest = re.split(r"^(?=## )", text, flags=re.MULTILINE)
        title, self.introduction = head.split("\n", 1)
        self.title = title.removeprefix("# ")
        for part in rest:
            own, *below = re.split(r"^(?=### )", part, flags=re.MULTILINE)
            heading, body = own.split("\n", 1)
            number, name = heading.removeprefix("## ").split(". ", 1)
            section = Section(number, name, slug(name), body)
            for piece in below:
                heading, body = piece.split("\n", 1)
                name = heading.removeprefix("### ")
                section.parts.append(Section("", name, slug(name), body))
            self.sections.append(section)
        for section in self.all_sections():
            self._read_tables(section)

    def all_sections(self) -> list[Section]:
        return [s for section in self.sections for s in (section, *section.parts)]

    def _read_tables(self, section: Section) -> None:
        found = re.findall(r"<!-- table: (.*?) -->\n(.*?)\n<!-- end -->", section.body, flags=re.DOTALL)
        for name, lines in found:
            headings, _, *rows = [cells(line) for line in lines.split("\n")]
            self.tables[name] = Table(name, section.page, headings, rows)


def with_codes(text: str, codes: set[str]) -> str:
    """Codes of errors and numbers of sections as links."""

    def code(found: re.Match) -> str:
        return f"[{found[0]}](#code-{found[0].lower()})" if found[0] in codes else found[0]

    return outside_code(text, lambda part: re.sub(r"\b[EW]\d{3}\b", code, part))


def pages(
    language: Language, links: dict[tuple[str, str], str], codes: set[str], rejected: dict[str, str], described: dict[str, str]
) -> dict[str, str]:
    """The pages of the reference by name. `links` has the target of every word by table, `rejected` the message of every block that
    must fail. The place that describes a word is added to `described`."""
    out: dict[str, str] = {}
    numbers = {s.number: s.page for s in language.sections}

    def to_section(found: re.Match) -> str:
        page = numbers.get(found[1])
        return f"[section {found[1]}](/language/{page}.md)" if page else found[0]

    for section in language.all_sections():
        body = outside_code(section.body, lambda part: re.sub(r"\bsection (\d+)\b", to_section, part))
        body = _tables(with_codes(body, codes), language, links)
        body = safe(body)
        # In the section on the command, `sweep` and `plan` are commands.
        if "ergoseq check FILE" not in body:
            body = _described(body, links, described)
        body = _blocks(body, rejected)
        heading = f"{section.number}. {section.title}" if section.number else section.title
        if section.parts:
            body += "\n" + toctree(part.page for part in section.parts)
        out[f"language/{section.page}"] = f"# {heading}\n\n{body.strip()}\n"
    intro = language.introduction.strip()
    out["language/index"] = (
        f"# {language.title}\n\n{intro}\n\n"
        "Every keyword, metric, unit and error code also has an entry with its syntax, an example and related words: "
        "[words of the language](/words/index.md). `ergoseq explain WORD` prints the same in a terminal.\n\n"
        + toctree((s.page for s in language.sections), depth=2)
    )
    return out


def _described(body: str, links: dict[tuple[str, str], str], described: dict[str, str]) -> str:
    """A target before the first paragraph that begins with a word, such as "A `channel` describes ..."."""
    words = {word for _, word in links}

    def one(found: re.Match) -> str:
        word = found[2]
        if word not in words or word in described:
            return found[0]
        described[word] = f"about-{word.replace('_', '-')}".lower()
        return f"({described[word]})=\n{found[0]}"

    blocks = re.split(r"(^```.*?^```$)", body, flags=re.DOTALL | re.MULTILINE)
    text = [re.sub(r"(?<=\n\n)((?:A |An |The )?`(\w+)[^`]*` )", one, "\n\n" + part)[2:] for part in blocks[::2]]
    return "".join(piece for pair in zip(text, [*blocks[1::2], ""], strict=True) for piece in pair)


def _tables(body: str, language: Language, links: dict[tuple[str, str], str]) -> str:
    """Tables with the words as links; long ones are on pages of their own."""

    def one(found: re.Match) -> str:
        table = language.tables[found[1]]
        if table.name in LONG:
            return f"The table has {len(table.rows)} rows: [{table.name}](/words/{slug(table.name)}.md)."
        lines = ["| " + " | ".join(table.headings) + " |", "| " + " | ".join("---" for _ in table.headings) + " |"]
        for first, *rest in table.rows:
            target = links.get((table.name, word_of(first)))
            lines.append("| " + " | ".join([f"[{first}](#{target})" if target else first, *rest]) + " |")
        return f"{{.words #table-{slug(table.name)}}}\n" + "\n".join(lines)

    return re.sub(r"<!-- table: (.*?) -->\n.*?\n<!-- end -->", one, body, flags=re.DOTALL)


def _blocks(body: str, rejected: dict[str, str]) -> str:
    """Blocks that must fail, with their code and message."""

    def one(found: re.Match) -> str:
        code, text = found[1], found[2]
        shown = f":::{{admonition}} Rejected with [{code}](#code-{code.lower()})\n:class: error\n\n{fenced('seq', text)}"
        if message := rejected.get(text.strip()):
            shown += "\n" + fenced("text", message)
        return shown + ":::"

    return re.sub(r"^```seq error\[(\w+)\]\n(.*?)\n```$", one, body, flags=re.DOTALL | re.MULTILINE)


UNITS = ("us", "ms", "s", "kHz", "Hz", "MHz", "deg", "ppm", "angstrom", "K", "uK", "T")


def completed(text: str) -> str:
    """A block that is only part of a file, with what it lacks, as `completed` in `src/bin/ergoseq/book.rs` does it."""
    lines = [line.strip() for line in text.splitlines()]
    code = "\n".join(line.split("#")[0] for line in text.splitlines())
    lab = re.search(rf"[0-9)] +({'|'.join(UNITS)})\b|\b(1H|13C)\b", code) is not None

    def has(word: str) -> bool:
        return any(line.startswith(word + " ") for line in lines)

    out = "" if has("ergoseq") else "ergoseq 1\n"
    if not has("units") and not lab:
        out += "units natural\n"
    out += text.rstrip("\n") + "\n"
    if not has("system"):
        lab_spins = "system {\n    field 9.4 T\n    temperature 300 K\n    spin a, b : 1H\n}\n"
        out += lab_spins if lab else "system { spin a, b : 1/2 }\n"
    if not has("sequence"):
        out += "sequence { prepare mixed }\n"
    return out


def messages(text: str, ergoseq: Ergoseq) -> dict[str, str]:
    """The message of every block of the reference that must fail, by its text."""
    out: dict[str, str] = {}
    for code, block in re.findall(r"^```seq error\[(\w+)\]\n(.*?)\n```$", text, flags=re.DOTALL | re.MULTILINE):
        exit_code, printed = ergoseq.run("run", ergoseq.add("example.seq", completed(block)))
        if exit_code == 0 or code not in printed:
            raise Failed(f"a block of grammar.md was not rejected with {code}:\n{block}\n{printed}")
        out[block.strip()] = printed.strip()
    return out
