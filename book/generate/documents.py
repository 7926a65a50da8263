"""Pages that are written by hand, and documents of the repository.

A page of `book/pages` may contain blocks that the build replaces:

    ```{repository} README.md#Start       a section of a document of the repository; nothing behind `#`: its introduction
    ```{file} sequences/a.seq             shows a file; `battery.seq = pages/battery.seq` shows a file of the book under a name
    ```{console}                          runs the lines and shows them with what they print; `...8` behind a line keeps 8 lines of that
    ```{drawing} NAME                     the picture that the command in the first line draws, with the caption in the others
"""

import re
import shlex
from pathlib import Path

from .command import Ergoseq, Failed
from .markdown import Unknown, fenced, section, with_links
from .sequences import picture

# Documents that are a page as a whole.
DOCUMENTS = {"contributing": "CONTRIBUTING.md", "packaging": "packaging/README.md", "changes": "CHANGELOG.md"}


class Documents:
    def __init__(self, root: Path, ergoseq: Ergoseq, figures: Path) -> None:
        self.root = root
        self.ergoseq = ergoseq
        self.figures = figures

    def document(self, path: str) -> str:
        """A document of the repository with its links leading to pages."""
        text = (self.root / path).read_text(encoding="utf-8")
        return with_links(text, str(Path(path).parent))

    def expanded(self, text: str) -> str:
        """A page with its blocks replaced."""

        def block(found: re.Match) -> str:
            kind, argument, body = found[1], found[2].strip(), found[3] or ""
            return {"repository": self._repository, "file": self._file, "console": self._console, "drawing": self._drawing}[kind](
                argument, body
            )

        return re.sub(
            r"^```\{(repository|file|console|drawing)\}(.*)\n((?:.*\n)*?)```$", block, text, flags=re.MULTILINE
        )

    def _repository(self, argument: str, _: str) -> str:
        path, title = argument.split("#", 1)
        return section(self.document(path), title)

    def _file(self, argument: str, _: str) -> str:
        name, _, path = argument.partition(" = ")
        if path:
            self.ergoseq.add(name, (self.root / "book" / path).read_text(encoding="utf-8"))
        return fenced("seq", (self.ergoseq.work / name).read_text(encoding="utf-8")).rstrip()

    def _console(self, _: str, body: str) -> str:
        shown: list[str] = []
        # A line that ends with a backslash goes on in the next one.
        for line in re.split(r"(?<!\\)\n", body.strip()):
            command, _, kept = line.partition(" ...")
            # A command that must find errors begins with `!`.
            fails = command.startswith("!")
            command = command.removeprefix("!")
            program, *arguments = shlex.split(command.replace("\\\n", " "))
            if program != "ergoseq":
                raise Unknown(f"`{program}` in a page: only ergoseq is run")
            code, printed = self.ergoseq.run(*arguments)
            if (code != 0) != fails:
                raise Failed(f"{command}: code {code}\n{printed}")
            lines = printed.rstrip().splitlines()
            if kept and len(lines) > int(kept):
                lines = [*lines[: int(kept)], "..."]
            shown.append("\n".join([f"$ {command}", *lines]))
        return fenced("session", "\n\n".join(shown)).rstrip()

    def _drawing(self, name: str, body: str) -> str:
        command, caption = body.strip().split("\n", 1)
        _, *arguments = shlex.split(command)
        path = self.figures / f"{name}.svg"
        self.ergoseq.draws(path, *arguments)
        words = " ".join(caption.split())
        return picture(path, words, re.sub(r"[`*]", "", words)).rstrip()

    def pages(self, folder: Path) -> dict[str, str]:
        out: dict[str, str] = {}
        for path in sorted(folder.rglob("*.md")):
            out[path.relative_to(folder).with_suffix("").as_posix()] = self.expanded(path.read_text(encoding="utf-8"))
        for page, document in DOCUMENTS.items():
            out[page] = self.document(document)
        return out

    def example(self, path: str) -> str:
        """The first `.seq` block of a document."""
        found = re.search(r"^```seq\n(.*?)^```$", self.document(path), flags=re.DOTALL | re.MULTILINE)
        if found is None:
            raise Unknown(f"{path} has no example")
        return found[1]
