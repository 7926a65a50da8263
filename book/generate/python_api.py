"""Pages of the Python package from its source: signatures and docstrings, without importing it."""

import ast
import re
from pathlib import Path

from .markdown import fenced

HEADINGS = ("Args", "Attributes", "Returns", "Raises")

# The files with the names that users see, in the order of the page.
OF_PACKAGE = ("sequence.py", "errors.py")


def described(docstring: str) -> str:
    """A docstring in Google's style as Markdown: sections become fields."""
    lines = docstring.strip().splitlines()
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    least = min(indents, default=0)
    lines = [lines[0], *(line[least:] for line in lines[1:])] if lines else []
    text: list[str] = []
    fields: list[list[str]] = []
    current = ""
    for line in lines:
        if found := re.fullmatch(rf"({'|'.join(HEADINGS)}):", line):
            current = found[1]
        elif not current:
            text.append(line)
        elif line.startswith("    ") and line.strip():
            field(fields, current, line)
    return "\n".join(text).strip() + "\n\n" + "\n".join(" ".join(one) for one in fields) + ("\n" if fields else "")


def field(fields: list[list[str]], heading: str, line: str) -> None:
    """Adds a line of a section of a docstring: `name: text`, or the continuation of the entry before."""
    entry = re.match(r" {4}(\*{0,2}\w+): (.*)", line)
    if heading == "Returns":
        if fields and fields[-1][0] == ":returns:":
            fields[-1].append(line.strip())
        else:
            fields.append([":returns:", line.strip()])
    elif entry and heading in ("Args", "Raises", "Attributes"):
        name = entry[1].replace("*", r"\*")
        kind = {"Args": f":param {name}:", "Raises": f":raises {name}:", "Attributes": f":ivar {name}:"}[heading]
        fields.append([kind, entry[2]])
    else:
        fields[-1].append(line.strip())


def signature(function: ast.FunctionDef, method: bool) -> str:
    arguments = function.args
    if method and arguments.args:
        arguments = ast.arguments(
            posonlyargs=arguments.posonlyargs, args=arguments.args[1:], vararg=arguments.vararg, kwonlyargs=arguments.kwonlyargs,
            kw_defaults=arguments.kw_defaults, kwarg=arguments.kwarg, defaults=arguments.defaults,
        )
    returns = f" -> {ast.unparse(function.returns)}" if function.returns else ""
    return f"{function.name}({ast.unparse(arguments)}){returns}"


def of_function(function: ast.FunctionDef, kind: str) -> str:
    head = function.name if kind == "property" else signature(function, kind == "method")
    options = ""
    if kind == "property" and function.returns:
        options = f":type: {ast.unparse(function.returns)}\n"
    return f"{{py:{kind}}} {head}\n{options}\n{described(ast.get_docstring(function) or '')}"


def block(text: str, depth: int) -> str:
    """A directive: blocks inside another have fewer ticks."""
    ticks = "`" * (6 - depth)
    return f"{ticks}{text.rstrip()}\n{ticks}\n\n"


def of_class(node: ast.ClassDef) -> str:
    out = f"{{py:class}} {node.name}\n\n{described(ast.get_docstring(node) or '')}\n"
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_") or not ast.get_docstring(item):
            continue
        decorators = {ast.unparse(d) for d in item.decorator_list}
        out += block(of_function(item, "property" if "property" in decorators else "method"), 1)
    return out


def module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes that have a docstring and no underscore."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_") and ast.get_docstring(n)]


def page(title: str, name: str, introduction: str, nodes: list[ast.FunctionDef | ast.ClassDef]) -> str:
    out = f"# {title}\n\n{introduction.strip()}\n\n" + fenced(f"{{py:module}} {name}", "")
    out = out.replace("\n\n```\n", "\n```\n")
    for node in nodes:
        out += "\n" + block(of_class(node) if isinstance(node, ast.ClassDef) else of_function(node, "function"), 0)
    return out


def pages(package: Path) -> dict[str, str]:
    trees = {path.name: module(path) for path in sorted(package.glob("*.py"))}
    metrics = trees["metrics.py"]
    nodes = [node for name in OF_PACKAGE for node in public(trees[name])]
    introduction = (ast.get_docstring(trees["__init__.py"]) or "").split("\n\n>>>")[0]
    return {
        "python/ergoseq": page("Module ergoseq", "ergoseq", introduction, nodes),
        "python/metrics": page("Module ergoseq.metrics", "ergoseq.metrics", ast.get_docstring(metrics) or "", public(metrics)),
    }
