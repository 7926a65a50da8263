"""A page for each table of words, with an entry for every word, from `ergoseq explain`."""

import re
from concurrent.futures import Executor
from dataclasses import dataclass, field

from .command import Ergoseq
from .language import Language, Table, slug, with_codes, word_of
from .markdown import Unknown, escaped, fenced, safe, table, toctree

# The title of the page of each table whose words have entries. A new table of grammar.md needs a line in one of these three.
TITLES = {
    "statements": "Statements of a file",
    "system": "Entries of system",
    "events": "Statements of a sequence",
    "clauses": "Keywords inside statements",
    "states": "States to prepare",
    "operators": "Operators",
    "parts": "Parts of the Hamiltonian",
    "functions": "Functions of numbers",
    "other functions": "Functions of nuclei, lists and ranges",
    "fixed names": "Names with a fixed meaning",
    "constants": "Physical constants",
    "relax": "Settings of relax",
    "bath": "Settings of bath",
    "powders": "Orientation grids",
    "battery": "Settings of the battery",
    "channel": "Settings of a channel",
    "spectrometer": "Settings of a spectrometer",
    "pulse": "Settings of a pulse",
    "decouple": "Settings of decoupling",
    "shapes": "Pulse shapes",
    "ramps": "Shapes of a ramp",
    "distributions": "Distributions of an ensemble",
    "acquire": "Settings of acquire",
    "project": "Settings of project",
    "compile": "Settings of compile",
    "tomography": "Settings of tomography",
    "reconstruction": "Methods of reconstruction",
    "aggregates": "Extrema of a curve",
    "metrics": "Metrics",
    "codes": "Errors and warnings",
}
# Tables that are a page without entries.
PLAIN = {"units": "Units", "isotopes": "Nuclei"}
# Tables that stand only in their section: their words do not occur in files.
INLINE = {"library", "readouts", "drawings", "methods", "dialects", "budgets"}


@dataclass
class Entry:
    """What `ergoseq explain` says about a word: a meaning, then parts with a heading."""

    kind: str = ""
    meaning: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)


def parsed(text: str, wanted: str) -> Entry:
    """Reads an explanation. A word of several tables has several meanings, each with its kind: the wanted one comes first."""
    meanings: list[tuple[str, list[str]]] = []
    entry = Entry()
    heading = ""
    for line in text.splitlines():
        if line.startswith("See grammar.md:"):
            entry.parts["See"] = line.removeprefix("See grammar.md:").strip()
            heading = ""
        elif line.startswith("    ") and heading:
            entry.parts[heading] += line[4:] + "\n"
        elif line.startswith("    ") and meanings:
            meanings[-1][1].append(line.strip())
        elif found := re.fullmatch(r"(Syntax|Settings|Example|Message|Related|Example of the error):(.*)", line):
            # A code may have several examples of the error, each with its message.
            heading = found[1]
            number = sum(1 for k in entry.parts if k.split(" #")[0] == heading)
            heading = f"{heading} #{number}" if number else heading
            entry.parts[heading] = found[2].strip() + "\n" if found[2].strip() else ""
        elif ": " in line and not heading:
            meanings.append((line.split(": ", 1)[1], []))
        elif not line.strip() and heading:
            entry.parts[heading] += "\n"
    meanings.sort(key=lambda one: one[0] != wanted)
    if meanings:
        entry.kind, entry.meaning = meanings[0]
    return entry


class Words:
    """The entries of all tables."""

    def __init__(self, language: Language, ergoseq: Ergoseq, pool: Executor, messages: dict[str, str]) -> None:
        known = set(TITLES) | set(PLAIN) | INLINE
        if language.tables.keys() != known:
            differ = ", ".join(sorted(language.tables.keys() ^ known))
            raise Unknown(f"tables of grammar.md and of book/generate/words.py differ: {differ}")
        self.language = language
        self.messages = messages
        self.described: dict[str, str] = {}
        self.codes = {word_of(row[0]) for row in language.tables["codes"].rows}
        words = sorted({word_of(row[0]) for name in TITLES for row in language.tables[name].rows})
        self.texts = dict(zip(words, pool.map(lambda word: ergoseq.prints("explain", word, columns=100), words), strict=True))
        self.links = {
            (name, word_of(row[0])): self.anchor(name, word_of(row[0]))
            for name in TITLES
            for row in language.tables[name].rows
        }

    @staticmethod
    def anchor(name: str, word: str) -> str:
        return f"code-{word.lower()}" if name == "codes" else f"word-{slug(name)}-{word.replace('_', '-')}".lower()

    def target(self, word: str, before: str) -> str | None:
        """The entry of a word: in the table of the word it is related to, or in the first table that has it."""
        if (before, word) in self.links:
            return self.links[before, word]
        return next((target for (_, other), target in self.links.items() if other == word), None)

    def pages(self) -> dict[str, str]:
        out: dict[str, str] = {}
        for name, title in TITLES.items():
            out[f"words/{slug(name)}"] = self._page(self.language.tables[name], title)
        for name, title in PLAIN.items():
            of = self.language.tables[name]
            section = next(s for s in self.language.all_sections() if s.page == of.section)
            out[f"words/{slug(name)}"] = (
                f"# {title}\n\nFrom the section [{section.title}](/language/{of.section}.md) of the reference.\n\n"
                + table(of.headings, of.rows)
            )
        listed = [slug(name) for name in (*TITLES, *PLAIN)]
        out["words/index"] = (
            "# Words of the language\n\n"
            "One page for each table of the [reference](/language/index.md). Every word has its meaning, syntax, an example and, if there "
            "is one, an example of an error with its message.\n\n" + toctree(listed)
        )
        return out

    def _page(self, of: Table, title: str) -> str:
        section = next(s for s in self.language.all_sections() if s.page == of.section)
        shown = [
            [f"[{first}](#{self.links[of.name, word_of(first)]})", *(safe(with_codes(cell, self.codes)) for cell in rest)]
            for first, *rest in of.rows
        ]
        out = f"# {title}\n\nFrom the section [{section.title}](/language/{of.section}.md) of the reference.\n\n"
        out += table(of.headings, shown) + "\n"
        for row in of.rows:
            out += self._entry(of, row)
        return out

    def _entry(self, of: Table, row: list[str]) -> str:
        word = word_of(row[0])
        entry = parsed(self.texts[word], "")
        out = f"({self.links[of.name, word]})=\n## {row[0]}\n\n"
        for heading, cell in zip(of.headings[1:], row[1:], strict=True):
            if cell:
                text = with_codes(cell, self.codes).replace(r"\|", "|")
                out += f"{safe(text)}\n\n" if heading == "meaning" else f"*{heading}:* {self._formula(heading, text)}\n\n"
        if target := self.described.get(word):
            out += f"*Described in* [the reference](#{target}).\n\n"
        for heading, text in entry.parts.items():
            name = heading.split(" #")[0]
            if name == "Syntax":
                out += f"*Syntax:*\n\n{fenced('text', text)}\n"
            elif name == "Settings":
                if word in TITLES:
                    out += f"*Settings:* see [{TITLES[word]}](/words/{slug(word)}.md).\n\n"
            elif name == "Example":
                out += self._example(text)
            elif name == "Example of the error":
                out += f"*This is rejected:*\n\n{fenced('seq', text)}\n"
                out += f"*The message:*\n\n{fenced('text', self.messages[text.strip()])}\n"
            elif name == "Related":
                related = [w.strip() for w in " ".join(text.split()).split(",") if w.strip()]
                linked = [f"[`{w}`](#{t})" if (t := self.target(w, of.name)) else f"`{w}`" for w in related]
                out += f"*Related:* {', '.join(linked)}\n\n"
        return out

    @staticmethod
    def _formula(heading: str, text: str) -> str:
        """A formula in the font of code; other cells are text."""
        return f"`{text}`" if heading == "formula" and "`" not in text else text if "`" in text else escaped(text)

    @staticmethod
    def _example(text: str) -> str:
        title, _, rest = text.partition("\n")
        if found := re.match(r"ergoseq list --print (\S+)", rest.strip()):
            return f"*Example:* [{escaped(title)}](/sequences/{found[1]}.md)\n\n"
        return f"*Example:*\n\n{fenced('seq', text.strip(chr(10)))}\n"
