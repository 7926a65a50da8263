"""Highlighting of `.seq` files, from the same generated grammar that Visual Studio Code uses."""

import json
import re
from pathlib import Path

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, String, Text

GRAMMAR = Path(__file__).resolve().parents[2] / "editors/vscode/syntaxes/ergoseq.tmLanguage.json"

# Scopes of the grammar without their ending `.ergoseq`.
TOKENS = {
    "comment.line.number-sign": Comment.Single,
    "string.quoted.double": String.Double,
    "support.type.nucleus": Name.Class,
    "constant.numeric": Number,
    "keyword.other.unit": Keyword.Type,
    "keyword.control": Keyword.Declaration,
    "keyword.other": Keyword,
    "support.function.metric": Name.Function,
    "support.function": Name.Builtin,
    "support.constant.operator": Name.Constant,
    "keyword.operator": Operator,
}


def token(scope: str):
    return TOKENS[scope.removesuffix(".ergoseq")]


def expression(pattern: str) -> str:
    """A regular expression of the grammar as one of Python: letters, digits and `_` are `\\w`."""
    return pattern.replace(r"\p{L}\p{N}_", r"\w")


def rules() -> list[tuple]:
    out: list[tuple] = []
    for pattern in json.loads(GRAMMAR.read_text(encoding="utf-8"))["patterns"]:
        if "begin" in pattern:
            out.append((r'"[^"\n]*("|$)', token(pattern["name"])))
        elif "captures" in pattern:
            number, unit = (token(pattern["captures"][k]["name"]) for k in ("1", "2"))
            # The blanks between both groups need a group of their own.
            split = expression(pattern["match"]).replace(r"[ \t]+", r"([ \t]+)", 1)
            out.append((split, bygroups(number, Text, unit)))
        else:
            out.append((expression(pattern["match"]), token(pattern["name"])))
    return [*out, (r"\w+", Text), (r"\s+", Text), (r".", Text)]


class SeqLexer(RegexLexer):
    """The language of `.seq` files."""

    name = "ergoseq"
    aliases = ["seq", "ergoseq"]
    filenames = ["*.seq"]
    flags = re.MULTILINE
    tokens = {"root": rules()}


class SessionLexer(RegexLexer):
    """Commands after `$ ` and what they print. Numbers are printed as dark as the text around them."""

    name = "session"
    aliases = ["session"]
    flags = re.MULTILINE
    tokens = {
        "root": [
            (r"^\$ ", Generic.Prompt, "command"),
            (r"^.*\n", Text),
            (r".+", Text),
        ],
        "command": [
            (r'"[^"\n]*"', String),
            (r"\\\n", Text),
            (r"\n", Text, "#pop"),
            (r'[^"\n\\]+', Name.Builtin),
            (r".", Text),
        ],
    }
