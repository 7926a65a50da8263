"""Errors and warnings, with their position and hints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Diagnostic", "ErgoseqError"]


class Diagnostic:
    """One message: an error or a warning.

    Attributes:
        code: ``"E201"``; ``ergoseq explain E201`` says more.
        severity: ``"error"`` or ``"warning"``.
        message: one sentence.
        file: the name of the file, or None without a file.
        line: the line, from 1, or None.
        column: the column in characters, from 1, or None.
        help: what to do next.
        rendered: the message with the lines it is about, as the command prints it.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.code: str = told["code"]
        self.severity: str = told["severity"]
        self.message: str = told["message"]
        self.file: str | None = told["file"]
        self.line: int | None = told["line"]
        self.column: int | None = told["column"]
        self.help: list[str] = list(told["help"])
        self.rendered: str = told["rendered"]

    def __repr__(self) -> str:
        place = f" at line {self.line}, column {self.column}" if self.line is not None else ""
        return f"<{self.severity} {self.code}{place}: {self.message}>"

    def __str__(self) -> str:
        return self.rendered


class ErgoseqError(Exception):
    """An error in a program or a value.

    ``diagnostics`` lists all errors and warnings; ``code``, ``line``, ``column``, ``message`` and ``rendered`` are those of the first error.
    """

    def __init__(self, told: Sequence[Mapping[str, Any]]) -> None:
        self._told = [dict(one) for one in told]
        self.diagnostics: list[Diagnostic] = [Diagnostic(one) for one in self._told]
        super().__init__("\n".join(d.rendered for d in self.diagnostics))

    def _first(self) -> Diagnostic:
        errors = [d for d in self.diagnostics if d.severity == "error"]
        return (errors or self.diagnostics)[0]

    @property
    def code(self) -> str:
        """The code of the first error."""
        return self._first().code

    @property
    def message(self) -> str:
        """The sentence of the first error."""
        return self._first().message

    @property
    def line(self) -> int | None:
        """The line of the first error, from 1."""
        return self._first().line

    @property
    def column(self) -> int | None:
        """The column of the first error, from 1."""
        return self._first().column

    @property
    def rendered(self) -> str:
        """The first error as the command prints it."""
        return self._first().rendered

    def __reduce__(self) -> tuple[type[ErgoseqError], tuple[list[dict[str, Any]]]]:
        # Workers of a cluster send their mistakes home.
        return (type(self), (self._told,))
