"""Every public name has a docstring, the stubs tell of everything, and `mypy --strict` agrees with all of it."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ergoseq
from ergoseq import _core

PACKAGE = Path(ergoseq.__file__).parent


def test_public_names_have_docstrings() -> None:
    for name in ergoseq.__all__:
        value = getattr(ergoseq, name)
        if name.startswith("__"):
            continue
        assert inspect.getdoc(value), name
        if inspect.isclass(value):
            for member, function in vars(value).items():
                if not member.startswith("_") and (callable(function) or isinstance(function, property)):
                    assert inspect.getdoc(function), f"{name}.{member}"


def test_the_stub_has_every_name_of_the_compiled_part() -> None:
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    told: set[str] = set()
    members: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            told.add(node.name)
            members[node.name] = {n.name for n in node.body if isinstance(n, ast.FunctionDef)}
        elif isinstance(node, ast.FunctionDef):
            told.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told.add(node.target.id)
    there = {n for n in dir(_core) if not n.startswith("__") or n == "__version__"}
    assert there == told
    for name, of_class in members.items():
        public = {n for n in dir(getattr(_core, name)) if not n.startswith("_") or n == "__len__"}
        assert public == of_class, name
    assert (PACKAGE / "py.typed").exists()


def test_mypy_is_strict() -> None:
    pytest.importorskip("mypy")
    example = """
import ergoseq
seq = ergoseq.load("a.seq")
result = seq.run(tau="3 us", states=True)
rho = result.state("charged")
x: float = ergoseq.metrics.ergotropy(rho, rho)
data = seq.sweep(tau=[1e-6, 2e-6])
seq.plot("city").save("a.svg")
print(x, data.attrs, [d.code for d in seq.check()])
"""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "-c", example], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stdout
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "-p", "ergoseq"], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stdout
