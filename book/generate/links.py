"""Checks that every link of the built site leads to a file of the site, and to a place that exists in it."""

from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """The links of a page, each with its line, and the names of places in it."""

    links: list[tuple[str, int]] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        for name in ("id", "name"):
            if value := given.get(name):
                self.places.add(value)
        for name in ("href", "src"):
            value = given.get(name)
            # An empty `href` or `#` leads to the page itself.
            if value and value != "#":
                self.links.append((value, self.getpos()[0]))


def check(site: Path) -> tuple[list[str], list[str]]:
    """Dead links as messages, and the addresses of other sites, which are not fetched."""
    site = site.resolve()
    pages: dict[Path, Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    dead: list[str] = []
    other: set[str] = set()

    # Every page has the links of the contents beside it, so that most occur hundreds of times.
    @cache
    def leads_to(folder: Path, link: str) -> Path | None:
        target = (folder / unquote(link)).resolve()
        target = target / "index.html" if target.is_dir() else target
        return target if target.is_file() else None

    for path, page in pages.items():
        for link, line in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                other.add(link)
                continue
            if parts.scheme in ("data", "mailto", "javascript"):
                continue
            target = leads_to(path.parent, parts.path) if parts.path else path
            if target is None:
                dead.append(f"{path.relative_to(site)}, line {line}: {link}: no such file")
            elif parts.fragment and target.suffix == ".html":
                own = pages.get(target)
                if own is None or unquote(parts.fragment) not in own.places:
                    dead.append(f"{path.relative_to(site)}, line {line}: {link}: no such place in the page")
    return dead, sorted(other)
